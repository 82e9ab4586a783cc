import Foundation
import JSON

/// One secret of a credential and what its last probe showed.
struct CredentialModel: Sendable {
  let credential: String
  let subjectWord: String
  let isLeaked: Bool
  let glyph: String
  let word: String
  let tone: String
  let probed: Moment?
  /// What the system answered.
  let answer: String?

  init?(_ json: JSONValue, now: Date) {
    guard let name = json["id"]?.string else { return nil }
    credential = name
    isLeaked = json["subject"]?.string != "replacement"
    subjectWord = isLeaked ? "old credential" : "replacement"
    let mark = StateMark.credential(
      json["state"]?.string, isLeaked: isLeaked, isProven: json["proven"]?.string != nil)
    glyph = mark.glyph
    word = mark.word
    tone = mark.tone
    probed = Moment(json["probed"]?.string, now: now)
    answer = json["code"]?.string
  }

  /// Of several leaked secrets the worst: alive before unknown before refused before dead.
  static func worstLeaked(_ all: [CredentialModel]) -> CredentialModel? {
    let leaked = all.filter(\.isLeaked)
    return ["ALIVE", "UNKNOWN", "REFUSED", "DEAD"].lazy
      .compactMap { word in leaked.first { $0.word == word } }.first
  }
}
