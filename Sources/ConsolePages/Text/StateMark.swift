/// A state as a shape, a word and a tone: never by colour alone.
struct StateMark: Sendable {
  let glyph: String
  let word: String
  /// `good`, `bad`, `wait`, `info` or empty.
  let tone: String

  init(_ glyph: String, _ word: String, _ tone: String = "") {
    self.glyph = glyph
    self.word = word
    self.tone = tone
  }

  /// A credential's state; what is good for a replacement is bad for the leaked one. A leaked one that was refused and that
  /// no proof covers is not called dead.
  static func credential(_ state: String?, isLeaked: Bool, isProven: Bool = false) -> StateMark {
    switch state {
    case "dead" where isLeaked && !isProven: StateMark("?", "REFUSED", "wait")
    case "alive": StateMark(isLeaked ? "▲" : "✓", "ALIVE", isLeaked ? "bad" : "good")
    case "dead": StateMark(isLeaked ? "✓" : "▲", "DEAD", isLeaked ? "good" : "bad")
    default: StateMark("?", "UNKNOWN", "wait")  // anything that is not proven is unknown
    }
  }

  static func step(_ state: String) -> StateMark {
    switch state {
    case "done": StateMark("✓", "done", "good")
    case "running": StateMark("▸", "now", "info")
    case "waiting": StateMark("◌", "waiting", "wait")
    case "skipped": StateMark("○", "skipped")
    case "failed": StateMark("✗", "failed", "bad")
    case "undone": StateMark("↶", "undone", "wait")
    case "unknown": StateMark("?", "unknown", "bad")
    default: StateMark("·", "to do")  // pending
    }
  }

  static func message(_ state: String) -> StateMark {
    switch state {
    case "sent": StateMark("✓", "sent", "good")
    case "pending", "queued", "sending": StateMark("◌", state, "wait")
    case "dead": StateMark("✗", "given up", "bad")
    case "dropped": StateMark("○", "dropped")
    default: StateMark("?", state, "wait")  // unknown, or a state of a newer worker: shown as it is
    }
  }
}
