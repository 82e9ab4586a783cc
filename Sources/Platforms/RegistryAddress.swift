import Capabilities

/// What `docker://HOST[:PORT]/REPOSITORY[:TAG|@DIGEST]` names, as skopeo writes it.
struct RegistryAddress: Sendable, Hashable {
  /// With its port, as it was written.
  let host: String
  let repository: String
  /// A tag or a digest; nil: every tag.
  let reference: String?
  /// Where its API is.
  let base: String

  /// - Throws: `.configuration`.
  init(_ text: String) throws(CapabilityError) {
    func wrong(_ because: String) -> CapabilityError {
      CapabilityError(
        .configuration, "search an image", because: because,
        fix:
          "write docker://HOST/REPOSITORY:TAG, without a tag for all of them; Docker's own are docker://docker.io/library/NAME:TAG"
      )
    }
    guard text.hasPrefix("docker://") else { throw wrong("it is no image's address") }
    let rest = text.dropFirst("docker://".count)
    guard let slash = rest.firstIndex(of: "/") else { throw wrong("it names no host, or no repository") }
    let host = String(rest[..<slash])
    var path = String(rest[rest.index(after: slash)...])
    var reference: String?
    if let at = path.firstIndex(of: "@") {
      reference = String(path[path.index(after: at)...])
      path = String(path[..<at])
      guard RegistryDigest(reference ?? "") != nil else { throw wrong("what follows @ is no sha256 digest") }
      // `:TAG@DIGEST` names the digest.
      if let colon = path.lastIndex(of: ":") { path = String(path[..<colon]) }
    } else if let colon = path.lastIndex(of: ":") {
      reference = String(path[path.index(after: colon)...])
      path = String(path[..<colon])
    }
    let bare = host.split(separator: ":", omittingEmptySubsequences: false).first.map { String($0) } ?? ""
    guard bare == "localhost" || bare.contains("."), !host.contains("@"), host.utf8.allSatisfy(Self.isHost)
    else {
      throw wrong("it names no host")
    }
    if bare == "docker.io", !path.contains("/") { path = "library/\(path)" }
    guard path.split(separator: "/", omittingEmptySubsequences: false).allSatisfy(Self.isComponent),
      reference.map(Self.isReference) ?? true
    else { throw wrong("its repository or tag is none that a registry has") }
    self.host = host
    repository = path
    self.reference = reference
    // As docker does: a registry on this machine speaks without TLS.
    let isHere = bare == "localhost" || bare.hasPrefix("127.")
    let server = ["docker.io", "index.docker.io"].contains(host) ? "registry-1.docker.io" : host
    base = (isHere ? "http://" : "https://") + server
  }

  /// As answers name it.
  var name: String { "docker://\(host)/\(repository)" }
  func name(of reference: String) -> String {
    name + (RegistryDigest(reference) == nil ? ":\(reference)" : "@\(reference)")
  }

  private static func isLetter(_ byte: UInt8) -> Bool {
    (0x30...0x39).contains(byte) || (0x41...0x5A).contains(byte) || (0x61...0x7A).contains(byte)
  }
  private static func isHost(_ byte: UInt8) -> Bool { isLetter(byte) || [0x2D, 0x2E, 0x3A].contains(byte) }

  /// Source: https://github.com/opencontainers/distribution-spec/blob/main/spec.md#pulling-manifests
  private static func isComponent(_ part: Substring) -> Bool {
    part.utf8.first.map(isLetter) ?? false
      && part.utf8.allSatisfy { isLetter($0) || [0x2D, 0x2E, 0x5F].contains($0) }
  }
  static func isReference(_ text: String) -> Bool {
    RegistryDigest(text) != nil
      || (1...128).contains(text.utf8.count) && text.first != "." && text.first != "-"
        && text.utf8.allSatisfy { isLetter($0) || [0x2D, 0x2E, 0x5F].contains($0) }
  }
}

/// `sha256:` and 64 digits. Another algorithm's is none that is checked here.
struct RegistryDigest: Sendable, Hashable {
  let text: String
  let bytes: [UInt8]

  init?(_ text: String) {
    guard text.hasPrefix("sha256:") else { return nil }
    let digits = Array(text.utf8.dropFirst(7))
    guard digits.count == 64 else { return nil }
    var bytes: [UInt8] = []
    for pair in stride(from: 0, to: 64, by: 2) {
      guard let high = Self.value(digits[pair]), let low = Self.value(digits[pair + 1]) else { return nil }
      bytes.append(high << 4 | low)
    }
    self.text = text
    self.bytes = bytes
  }

  private static func value(_ digit: UInt8) -> UInt8? {
    switch digit {
    case 0x30...0x39: digit - 0x30
    case 0x61...0x66: digit - 0x61 + 10
    default: nil
    }
  }
}
