import COpenSSL
public import Foundation

/// scrypt (RFC 7914): makes a key of a password, slowly and with much memory.
public enum Scrypt {
  /// - Parameters:
  ///   - rounds: N, a power of two; memory is 128 × N × `blockSize` bytes.
  ///   - blockSize: r.
  ///   - parallelism: p.
  /// - Throws: `.parameter` when they are out of range or ask for more than 1 GiB.
  public static func deriveKey(
    from password: some DataProtocol, salt: some DataProtocol, outputByteCount: Int, rounds: Int,
    blockSize: Int,
    parallelism: Int
  ) throws(CryptographyError) -> SymmetricKey {
    guard rounds > 1, blockSize > 0, parallelism > 0 else { throw .parameter }
    var output = [UInt8](repeating: 0, count: outputByteCount)
    defer { output.withUnsafeMutableBytes { OPENSSL_cleanse($0.baseAddress, $0.count) } }
    let result = password.withContiguousBytes { password in
      salt.withContiguousBytes { salt in
        EVP_PBE_scrypt(
          password.baseAddress?.assumingMemoryBound(to: CChar.self), password.count, salt.octets,
          salt.count, UInt64(rounds), UInt64(blockSize), UInt64(parallelism), 1 << 30, &output, output.count)
      }
    }
    try check(result, .parameter)
    return SymmetricKey(data: output)
  }
}
