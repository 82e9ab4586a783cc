import JSON
import RESTClient
import Secrets

/// The parts of a session in what leaked: all three (JSON of the command line or of a task's metadata, lines of `.env` and of
/// `~/.aws/credentials`, a scanner's `ID:SECRET:TOKEN`), or one of them.
struct AWSSessionText: Sendable {
  var accessKeyID: String?
  var secretAccessKey: Secret?
  var sessionToken: Secret?

  init(accessKeyID: String?) { self.accessKeyID = accessKeyID }

  /// - Parameter id: known beside it; one in the text itself counts more.
  init(_ text: Secret, id: String? = nil) {
    accessKeyID = id
    // In JSON a slash may be escaped; what is no JSON is read as it stands.
    let texts = (try? JSONValue(parsing: text.exposeAsBytes())).map { Self.texts(in: $0) } ?? []
    for text in texts.isEmpty ? [text.exposeAsBytes()] : texts {
      for word in Self.words(in: text) { take(word) }
    }
  }

  /// An id has twenty letters and digits, a secret forty characters of base64, a token is longer than a hundred.
  private mutating func take(_ word: ArraySlice<UInt8>) {
    switch word.count {
    case 20 where AWSAccessKey.isID(String(decoding: word, as: UTF8.self), "ASIA"):
      accessKeyID = String(decoding: word, as: UTF8.self)
    case 40: secretAccessKey = secretAccessKey ?? Secret(SecretBytes(copying: Array(word)))
    case 100...: sessionToken = sessionToken ?? Secret(SecretBytes(copying: Array(word)))
    default: break
    }
  }

  private static func texts(in json: JSONValue) -> [[UInt8]] {
    if let text = json.string { return [Array(text.utf8)] }
    if let members = json.object { return members.values.flatMap { texts(in: $0) } }
    return (json.array ?? []).flatMap { texts(in: $0) }
  }

  /// Runs of base64's characters; `=` ends one, and belongs to it only as its padding.
  private static func words(in text: [UInt8]) -> [ArraySlice<UInt8>] {
    var words: [ArraySlice<UInt8>] = []
    var start = 0
    while start < text.count {
      guard isBase64(text[start]) else {
        start += 1
        continue
      }
      var end = start
      while end < text.count, isBase64(text[end]) { end += 1 }
      let length = end - start
      if length >= 100 { while end < text.count, text[end] == 0x3D, end - start - length < 2 { end += 1 } }
      words.append(text[start..<end])
      start = end
    }
    return words
  }

  private static func isBase64(_ byte: UInt8) -> Bool {
    (0x30...0x39).contains(byte) || (0x41...0x5A).contains(byte) || (0x61...0x7A).contains(byte)
      || byte == 0x2B || byte == 0x2F
  }

  /// Nil unless all three parts are known.
  var keys: AWSKeys? {
    guard let accessKeyID, let secretAccessKey, let sessionToken else { return nil }
    return AWSKeys(accessKeyID: accessKeyID, secretAccessKey: secretAccessKey, sessionToken: sessionToken)
  }

  /// As the command line prints one.
  static func document(_ keys: AWSKeys) -> Secret {
    let members: JSONValue = [
      "AccessKeyId": .string(keys.accessKeyID),
      "SecretAccessKey": .string(keys.secretAccessKey.exposeAsText()),
      "SessionToken": .string(keys.sessionToken?.exposeAsText() ?? ""),
    ]
    return Secret(SecretBytes(copying: members.canonicalBytes))
  }
}
