import Foundation

/// What `.ci/packages heavy` installs outside of the clone, for `make test-heavy`.
public enum HeavyTools {
  /// The directory with the programs of one of them.
  static func programs(_ name: String) -> String {
    let environment = ProcessInfo.processInfo.environment
    let cache =
      environment["STAUNCH_HEAVY_TOOLS"] ?? (environment["HOME"] ?? "/root") + "/.cache/staunch/tools"
    return "\(cache)/\(name)/bin"
  }

  /// True in `make test-heavy` where it is installed.
  public static func areWanted(_ name: String) -> Bool {
    ProcessInfo.processInfo.environment["STAUNCH_HEAVY"] == "1"
      && FileManager.default.isExecutableFile(atPath: programs(name) + "/" + name)
  }

  public static func notice(_ name: String) -> String {
    "NOT RUN: \(name) is started by make test-heavy, which installs it"
  }
}
