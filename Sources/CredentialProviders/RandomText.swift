import Secrets

/// Text made of random bytes without bias.
enum RandomText {
  private static let letters = Array("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789".utf8)

  /// `count` letters and digits (5.95 bits each).
  static func alphanumeric(count: Int, _ random: (Int) -> SecretBytes) -> SecretBytes {
    var text: [UInt8] = []
    text.reserveCapacity(count)
    while text.count < count {
      let bytes = random(64)
      unsafe bytes.withUnsafeBytes { buffer in
        // 248 is the largest multiple of 62 in a byte: what lies above would favour the first letters.
        for index in buffer.indices where text.count < count {
          let byte = unsafe buffer[index]
          if byte < 248 { text.append(letters[Int(byte % 62)]) }
        }
      }
    }
    let secret = SecretBytes(copying: text)
    for index in text.indices { text[index] = 0 }
    return secret
  }
}
