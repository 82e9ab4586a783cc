import Capabilities

/// Addresses from which sessions are expected: `10.1.0.0/16`, `192.0.2.7`, `::1`. IPv6 addresses are compared as they are
/// written, without networks.
struct ClientAddresses {
  private enum Range {
    case exactly(String)
    /// The first `bits` bits of `network`.
    case network(UInt32, bits: Int)
  }
  private let ranges: [Range]

  /// - Throws: `.configuration` for what is neither.
  init(_ texts: [String], of target: TargetConfiguration) throws(CapabilityError) {
    var ranges: [Range] = []
    for text in texts {
      let parts = text.split(separator: "/", omittingEmptySubsequences: false)
      if let address = Self.number(parts[0]), parts.count <= 2 {
        guard let bits = parts.count == 2 ? Int(parts[1]) : 32, (0...32).contains(bits) else {
          throw Self.wrong(text, target)
        }
        ranges.append(.network(address, bits: bits))
      } else if text.contains(":"), !text.contains("/") {
        ranges.append(.exactly(text.lowercased()))
      } else {
        throw Self.wrong(text, target)
      }
    }
    self.ranges = ranges
  }

  var isEmpty: Bool { ranges.isEmpty }

  /// - Parameter address: as the server writes it, without a port.
  func contains(_ address: some StringProtocol) -> Bool {
    ranges.contains { range in
      switch range {
      case .exactly(let text): text == address.lowercased()
      case .network(let network, let bits):
        // A shift by 32 gives 0: every address is in a network of no bits.
        Self.number(address).map { ($0 ^ network) >> UInt32(32 - bits) == 0 } ?? false
      }
    }
  }

  private static func number(_ text: some StringProtocol) -> UInt32? {
    let parts = text.split(separator: ".", omittingEmptySubsequences: false)
    guard parts.count == 4 else { return nil }
    var number: UInt32 = 0
    for part in parts {
      guard let byte = UInt8(part) else { return nil }
      number = number << 8 | UInt32(byte)
    }
    return number
  }

  private static func wrong(_ text: String, _ target: TargetConfiguration) -> CapabilityError {
    CapabilityError(
      .configuration, "\(target.position): \(target.name)", because: "\"\(text)\" is no address or network",
      fix: "write for example expected_clients: [10.1.0.0/16, 192.0.2.7]")
  }
}
