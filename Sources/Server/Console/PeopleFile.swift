import Foundation
public import People

/// `people.json` beside the exchange file.
public enum PeopleFile {
  /// Who may sign in now; nobody when there is no file.
  /// - Throws: ``PeopleError`` when the file is not readable: nobody may sign in then.
  public static func read(_ path: String) throws -> PeopleDirectory {
    guard FileManager.default.fileExists(atPath: path) else { return PeopleDirectory() }
    guard let bytes = FileManager.default.contents(atPath: path) else {
      throw PeopleError(
        .file, "read \(path)", because: "this user may not read it", fix: "ls -l \(path); chmod g+r \(path)")
    }
    return try PeopleDirectory(parsing: bytes)
  }
}
