/// A word of a command that people paste.
public enum ShellWord {
  /// `text` as a shell reads it back: as it is when it is plain, else in single quotes.
  public static func quoted(_ text: String) -> String {
    let plain = Set("-_./:@%+,=".unicodeScalars)
    let isPlain = text.unicodeScalars.allSatisfy { scalar in
      plain.contains(scalar)
        || ("0"..."9").contains(scalar) || ("A"..."Z").contains(scalar) || ("a"..."z").contains(scalar)
    }
    if isPlain, !text.isEmpty { return text }
    return "'" + text.replacing("'", with: #"'\''"#) + "'"
  }
}
