import Capabilities
import JSON
import Secrets

/// A Redis server over TLS, whose certificate must hold its name: commands in Redis's own protocol (RESP2) through
/// `openssl s_client`.
///
/// redis-cli checks that the chain leads to an authority and not whose the certificate is: any server of the same
/// authority could stand in between and be told the password. OpenSSL's client ends the handshake, before a byte of ours is
/// sent, where chain or name does not fit. A look at the certificate on a connection of its own would not do: the next one
/// may lead to somebody else.
/// Sources: https://docs.openssl.org/3.0/man1/openssl-s_client/, https://redis.io/docs/latest/develop/reference/protocol-spec/
struct RedisSecureLine {
  let host: String
  let port: Int
  /// What the certificate must hold: a host name or an address.
  let name: String
  /// A PEM file of the authorities, or of the server's own certificate.
  let authorities: String?

  var arguments: [String] {
    // `-quiet` also keeps letters of ours from being read as commands of s_client.
    var words = ["openssl", "s_client", "-quiet", "-verify_quiet", "-verify_return_error", "-partial_chain"]
    if let authorities { words += ["-CAfile", authorities] }
    words +=
      Self.isAddress(name)
      ? ["-verify_ip", name, "-noservername"] : ["-verify_hostname", name, "-servername", name]
    return words + ["-connect", host.contains(":") ? "[\(host)]:\(port)" : "\(host):\(port)"]
  }

  /// Digits and dots, or with a colon: an IPv4 or IPv6 address, which no host name looks like.
  private static func isAddress(_ name: String) -> Bool {
    name.contains(":") || name.allSatisfy { $0 == "." || ("0"..."9").contains($0) }
  }

  /// `commands`, and a last one that makes the server hang up.
  static func bytes(of commands: [[[UInt8]]]) -> [UInt8] {
    var text: [UInt8] = []
    for command in commands + [[Array("QUIT".utf8)]] {
      text += Array("*\(command.count)\r\n".utf8)
      for word in command { text += Array("$\(word.count)\r\n".utf8) + word + [0x0D, 0x0A] }
    }
    return text
  }

  /// - Returns: the answers to `count` commands.
  /// - Throws: `.unsafe` when it is not the server that was meant; nothing was sent then.
  func replies(_ outcome: ProcessOutcome, count: Int, changes: Bool) throws(CapabilityError)
    -> [RedisCommandLine.Reply]
  {
    var reader = RedisReplyReader(outcome.output)
    var replies: [RedisCommandLine.Reply] = []
    while replies.count < count, let reply = reader.next() { replies.append(reply) }
    if replies.count == count { return replies }
    let place = "\(host):\(port)"
    if let why = outcome.errors.split(whereSeparator: \.isNewline).first(where: {
      $0.hasPrefix("verify error:")
    }) {
      let reason = why.split(separator: ":").last.map(String.init) ?? "not verified"
      throw CapabilityError(
        .unsafe, "TLS to \(place)",
        because: "the certificate is not that of \(name) under tls_ca (\(reason)); it was told nothing",
        fix:
          "see who answers there: openssl s_client -connect \(place); where the certificate holds another name of "
          + "it: tls_name in staunch.yaml")
    }
    // Said before the handshake is over: nothing of ours was sent.
    let isUnsent = ["connect:errno", "BIO_lookup", "wrong version number", "alert"].contains {
      outcome.errors.contains($0)
    }
    guard changes, !(isUnsent && outcome.output.isEmpty) else {
      throw CapabilityError(
        .network, "openssl s_client", because: "no connection to the server, or it broke",
        fix: "check that it is up and speaks TLS: openssl s_client -connect \(place)")
    }
    throw CapabilityError(
      .unknownOutcome, "openssl s_client", because: "the connection broke after the commands were sent",
      fix: "check that it is up: openssl s_client -connect \(place)")
  }
}

/// Reads RESP2. Source: https://redis.io/docs/latest/develop/reference/protocol-spec/
struct RedisReplyReader {
  private let bytes: [UInt8]
  private var position = 0
  /// No answer that we ask for is nested deeper.
  private static let deepest = 16

  init(_ text: String) { bytes = Array(text.utf8) }

  private enum Part {
    case value(JSONValue)
    case error(String)
  }

  /// The next whole answer; nil: there is none, or it is not in this protocol.
  mutating func next() -> RedisCommandLine.Reply? {
    switch part(0) {
    case .error(let word)?: return .error(word)
    case .value(.string(let text))? where text.contains(where: \.isNewline):
      return .lines(text.split(whereSeparator: \.isNewline).map(String.init))
    case .value(let value)?: return .value(value)
    case nil: return nil
    }
  }

  private mutating func part(_ depth: Int) -> Part? {
    guard depth < Self.deepest, let line = line(), let type = line.first else { return nil }
    let rest = String(decoding: line.dropFirst(), as: UTF8.self)
    switch type {
    case UInt8(ascii: "+"): return .value(.string(rest))
    case UInt8(ascii: "-"): return .error(String(rest.prefix { $0 != " " }))
    case UInt8(ascii: ":"): return Int(rest).map { .value(.integer($0)) }
    case UInt8(ascii: "$"):
      guard let count = Int(rest), count >= 0 else { return rest == "-1" ? .value(.null) : nil }
      guard count <= bytes.count - position else { return nil }
      let text = bytes[position..<(position + count)]
      position += count
      // The length must be the text's own.
      guard self.line()?.isEmpty == true else { return nil }
      return .value(.string(String(decoding: text, as: UTF8.self)))
    case UInt8(ascii: "*"):
      guard let count = Int(rest), count >= 0 else { return rest == "-1" ? .value(.null) : nil }
      var elements: [JSONValue] = []
      for _ in 0..<count {
        // An error inside of an answer belongs to none of our commands.
        guard case .value(let value)? = part(depth + 1) else { return nil }
        elements.append(value)
      }
      return .value(.array(elements))
    default: return nil
    }
  }

  /// Up to the next CR LF, which is passed over.
  private mutating func line() -> ArraySlice<UInt8>? {
    var end = position
    while end + 1 < bytes.count {
      if bytes[end] == 0x0D, bytes[end + 1] == 0x0A {
        defer { position = end + 2 }
        return bytes[position..<end]
      }
      end += 1
    }
    return nil
  }
}
