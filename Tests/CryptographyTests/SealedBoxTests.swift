import Cryptography
import Foundation
import TestSupport
import Testing

/// Opened by PyNaCl, libsodium's own binding for Python (Debian python3-nacl).
@Suite struct SealedBoxTests {
  private static let key = Data((1...32).map { UInt8($0) })
  private static let opener = """
    import sys, base64, nacl.public
    key = nacl.public.PrivateKey(bytes(range(1, 33)))
    if len(sys.argv) == 1: print(key.public_key.encode().hex())
    else: print(nacl.public.SealedBox(key).decrypt(base64.b64decode(sys.argv[1])).hex())
    """

  private func opener(_ arguments: String...) async throws -> String {
    try await Program.run(["env", "/usr/bin/python3", "-c", Self.opener] + arguments, in: "/")
      .trimmingCharacters(in: .whitespacesAndNewlines)
  }

  @Test(arguments: [0, 1, 63, 64, 65, 5000])
  func `what is sealed to a public key its holder opens`(count: Int) async throws {
    let publicKey = try #require(Self.bytes(try await opener()))
    let message = Data((0..<count).map { UInt8(truncatingIfNeeded: $0) })
    let sealed = try SealedBox.seal(message, to: publicKey)
    #expect(sealed.count == count + 48)
    #expect(Self.bytes(try await opener(sealed.base64EncodedString())) == message)
    #expect(try SealedBox.seal(message, to: publicKey) != sealed)
  }

  @Test(arguments: [Data(), Data(count: 31), Data(count: 33), Data(count: 32)])
  func `what is no key is refused`(key: Data) {
    #expect(throws: CryptographyError.parameter) { try SealedBox.seal(Data([1]), to: key) }
  }

  private static func bytes(_ text: String) -> Data? {
    guard text.count.isMultiple(of: 2) else { return nil }
    var data = Data()
    var rest = text[...]
    while !rest.isEmpty {
      guard let byte = UInt8(rest.prefix(2), radix: 16) else { return nil }
      data.append(byte)
      rest = rest.dropFirst(2)
    }
    return data
  }
}
