import Foundation
import Incidents
import Testing

/// Foundation's names for errors ("NSCocoaErrorDomain error 513") never reach a person.
@Suite struct PlainReasonTests {
  private static func failure(_ body: () throws -> Void) -> any Error {
    do {
      try body()
      return CancellationError()
    } catch { return error }
  }

  private struct Form: Decodable { let count: Int }

  private static let errors: [any Error] = [
    failure { _ = try Data(contentsOf: URL(filePath: "/no/such/file")) },
    failure { _ = try FileManager.default.contentsOfDirectory(atPath: "/no/such/directory") },
    failure {
      try FileManager.default.createDirectory(atPath: "/proc/x", withIntermediateDirectories: false)
    },
    failure { try Data("x".utf8).write(to: URL(filePath: "/proc/version")) },
    failure { _ = try JSONDecoder().decode(Form.self, from: Data("{".utf8)) },
    failure { _ = try JSONDecoder().decode(Form.self, from: Data("{}".utf8)) },
    failure { _ = try JSONDecoder().decode(Form.self, from: Data(#"{"count":"x"}"#.utf8)) },
    NSError(domain: NSCocoaErrorDomain, code: 4711),
    NSError(domain: NSPOSIXErrorDomain, code: Int(ENOSPC)),
  ]

  @Test(arguments: errors.indices)
  func `No error names NSCocoaErrorDomain`(_ index: Int) {
    let text = plainReason(of: Self.errors[index])
    for word in ["NSCocoa", "NSPOSIX", "Domain", "Error(", "UserInfo", "CancellationError"] {
      #expect(!text.contains(word), "\(text)")
    }
    #expect(!text.isEmpty)
  }

  @Test func `It says what the system says`() {
    #expect(plainReason(of: Self.errors[0]) == "no such file or directory")
    #expect(plainReason(of: Self.errors[8]) == "no space left on device")
    #expect(plainReason(of: Self.errors[5]) == "count is missing")
  }
}
