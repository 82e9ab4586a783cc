/// What bytes are, by how they begin: names say nothing.
enum ContentKind: Hashable {
  case plain, gzip, zip, tar, sqlite
  /// Nobody here can look into it; why, for people.
  case closed(String)

  /// So many first bytes tell.
  static let wanted = 1024

  init(_ head: UnsafeBufferPointer<UInt8>) {
    func begins(_ bytes: [UInt8]) -> Bool { head.starts(with: bytes) }
    func begins(_ text: String) -> Bool { head.starts(with: text.utf8) }
    if begins([0x1F, 0x8B, 0x08]) {
      self = .gzip
    } else if begins("PK\u{3}\u{4}") || begins("PK\u{5}\u{6}") {
      self = .zip
    } else if begins(SQLiteChains.magic) {
      self = .sqlite
    } else if let name = Self.compressions.first(where: { begins($0.magic) })?.name {
      self = .closed("it is compressed with \(name), which is not unpacked here")
    } else if begins("BZh"), head.count > 9, head[4..<10].elementsEqual([0x31, 0x41, 0x59, 0x26, 0x53, 0x59])
    {
      self = .closed("it is compressed with bzip2, which is not unpacked here")
    } else if let name = Self.archives.first(where: { begins($0.magic) })?.name {
      self = .closed("it is \(name), which is not unpacked here")
    } else if Self.encryptions.contains(where: { begins($0) }) || Self.isEncryptedState(head) {
      self = .closed("it is encrypted")
    } else if head.count >= 512, TarReader.isHeader(head) {
      self = .tar
    } else {
      self = .plain
    }
  }

  private static let compressions: [(magic: [UInt8], name: String)] = [
    ([0xFD, 0x37, 0x7A, 0x58, 0x5A, 0x00], "xz"), ([0x28, 0xB5, 0x2F, 0xFD], "Zstandard"),
    ([0x04, 0x22, 0x4D, 0x18], "LZ4"), (Array("LZIP".utf8), "lzip"),
    ([0x1F, 0x9D], "compress"), ([0x89, 0x4C, 0x5A, 0x4F, 0x00, 0x0D], "lzop"),
    ([0x5D, 0x00, 0x00], "LZMA"), ([0xFF, 0x06, 0x00, 0x00, 0x73, 0x4E, 0x61, 0x50], "Snappy"),
  ]

  private static let archives: [(magic: [UInt8], name: String)] = [
    ([0x37, 0x7A, 0xBC, 0xAF, 0x27, 0x1C], "a 7z archive"), (Array("Rar!\u{1A}\u{7}".utf8), "a RAR archive"),
    (Array("MSCF".utf8), "a cabinet"), (Array("hsqs".utf8), "a SquashFS image"),
    (Array("!<arch>\n".utf8), "an ar archive (a Debian package, a library)"),
    ([0xED, 0xAB, 0xEE, 0xDB], "an RPM package"), (Array("%PDF-".utf8), "a PDF"),
    (Array("PAR1".utf8), "a Parquet file"),
    ([0x89, 0x48, 0x44, 0x46, 0x0D, 0x0A, 0x1A, 0x0A], "an HDF5 file"),
    ([0x51, 0x46, 0x49, 0xFB], "a QCOW disk image"),
  ]

  /// OpenTofu's encrypted state and plans: JSON around one base64. Source: opentofu.org, State and Plan Encryption.
  private static func isEncryptedState(_ head: UnsafeBufferPointer<UInt8>) -> Bool {
    guard head.first == 0x7B else { return false }
    return String(decoding: head, as: UTF8.self).contains("\"encrypted_data\":")
  }

  /// Bytes of OpenSSL's enc, age, GnuPG, Ansible Vault.
  private static let encryptions = [
    "Salted__", "age-encryption.org/", "-----BEGIN AGE ENCRYPTED FILE", "-----BEGIN PGP MESSAGE",
    "$ANSIBLE_VAULT;",
  ]
}
