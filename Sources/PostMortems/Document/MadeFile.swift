import Cryptography
import Foundation
import JSON
import Secrets

/// Tells a page or a JSON document that nobody has changed since it was made: it may be made anew. Any other file is kept.
public enum MadeFile {
  /// `page` with its digest as the last line.
  public static func marked(page: String) -> String {
    let text = page.hasSuffix("\n") ? page : page + "\n"
    return text + mark(of: text)
  }

  /// True when the digest of `bytes` still fits.
  public static func isUntouched(page bytes: [UInt8]) -> Bool {
    let text = String(decoding: bytes, as: UTF8.self)
    guard let start = text.range(of: "<!-- staunch:page ", options: .backwards) else { return false }
    return text[start.lowerBound...] == mark(of: String(text[..<start.lowerBound]))
  }

  /// True when `bytes` are a post-mortem's facts in exactly the form in which they are written.
  public static func isUntouched(json bytes: [UInt8]) -> Bool {
    do throws(JSONError) {
      let value = try JSONValue(parsing: bytes, limits: .own)
      return value["journal_head"] != nil && Array((value.canonicalText + "\n").utf8) == bytes
    } catch {
      return false  // not what we write, whatever it is
    }
  }

  private static func mark(of text: String) -> String {
    let digest = SHA256.hash(data: Array(text.utf8)).prefix(12).map { Hex.byte($0) }.joined()
    return "<!-- staunch:page \(digest) -->\n"
  }
}
