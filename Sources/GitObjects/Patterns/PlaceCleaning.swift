/// Cleans bytes of one place of an object, so that the result is still valid there.
struct PlaceCleaning {
  let patterns: CompiledPatterns

  /// Nil when there is nothing to clean.
  /// - Throws: `.unsupported` when an expression cannot be matched here.
  func cleaned(
    _ text: UnsafeBufferPointer<UInt8>, as place: ObjectHit.Place
  ) throws(GitObjectsError) -> [UInt8]? {
    guard let clean = try Cleaning(patterns: patterns).cleaned(text) else { return nil }
    switch place {
    case .blob, .message: return clean
    case .person: return person(clean)
    case .header: return clean.filter { $0 != 0x00 }
    case .path: return name(clean)
    }
  }

  /// A name and an e-mail in `<…>`: the last pair of brackets stays, a line feed from a replacement goes.
  private func person(_ bytes: [UInt8]) -> [UInt8] { bytes.filter { $0 != 0x0A && $0 != 0x00 } }

  /// The name of a tree entry: no `/`, no NUL, not empty, nothing that Git reserves.
  private func name(_ bytes: [UInt8]) -> [UInt8] {
    var result = bytes.map { $0 == 0x2F || $0 == 0x00 ? 0x5F : $0 }
    let reserved: [[UInt8]] = [[], Array(".".utf8), Array("..".utf8), Array(".git".utf8)]
    if reserved.contains(result.map { (0x41...0x5A).contains($0) ? $0 + 32 : $0 }) { result.append(0x5F) }
    return result
  }
}

/// Makes a ref name valid again after a replacement, by the rules of git-check-ref-format(1).
enum RefNameRepair {
  static func valid(_ name: String) -> String {
    var characters = Array(name.utf8).map { byte -> UInt8 in
      byte < 0x21 || byte == 0x7F || Array("~^:?*[\\".utf8).contains(byte) ? 0x5F : byte
    }
    for index in characters.indices.dropFirst() {
      let pair = (characters[index - 1], characters[index])
      if pair == (0x2E, 0x2E) || pair == (0x40, 0x7B) || pair == (0x2F, 0x2E) { characters[index] = 0x5F }
    }
    let parts = String(decoding: characters, as: UTF8.self).split(
      separator: "/", omittingEmptySubsequences: true)
    return parts.map { part in
      part.hasSuffix(".lock")
        ? part.dropLast(5) + "_lock" : part.hasSuffix(".") ? part.dropLast() + "_" : part
    }.joined(separator: "/")
  }
}
