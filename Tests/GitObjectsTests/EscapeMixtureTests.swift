import Foundation
import GitObjects
import Secrets
import Testing

/// The look for escapes passes over nearly all of a text: never over a value, however it is written.
@Suite struct EscapeMixtureTests {
  @Test(arguments: 1...8 as ClosedRange<UInt64>)
  func `whatever decodes to the value is found and removed`(seed: UInt64) throws {
    var mixture = EscapeMixture(HostilePackTests.Numbers(state: seed))
    for _ in 0..<60 {
      let value = mixture.value()
      let patterns = try SecretPatterns(secrets: [Secret(value)])
      for _ in 0..<8 {
        let layers = (0..<Int.random(in: 1...3, using: &mixture.numbers)).map { _ in
          EscapeMixture<HostilePackTests.Numbers>.Layer.allCases.randomElement(using: &mixture.numbers)
            ?? .percent
        }
        let text = mixture.written(value, layers)
        let name = "\(value) in \(layers): \(text)"
        #expect(try !patterns.hits(in: Array(text.utf8)).isEmpty, "\(name)")
        if let cleaned = try patterns.cleaned(Array(text.utf8)) {
          #expect(try patterns.hits(in: cleaned).isEmpty, "\(name)")
        }
        guard layers.count < 3, let wide = "It is: \(text)".data(using: .utf16LittleEndian) else { continue }
        #expect(try !patterns.hits(in: Array(wide)).isEmpty, "UTF-16, \(name)")
      }
    }
  }
}
