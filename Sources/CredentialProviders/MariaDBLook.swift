import Capabilities
import Foundation

/// What a server says to the runner: which it is, what the runner may, how the user's rows look.
struct MariaDBLook: Sendable {
  /// Tells one server from another behind the same address.
  let server: String
  let isMariaDB: Bool
  /// Two passwords at once: MariaDB 10.4, MySQL 8.0.14.
  let takesTwo: Bool
  /// The runner's global rights, in capitals, with spaces.
  let rights: Set<String>
  /// Wrong passwords after which the server refuses a user altogether; nil: it does not count (MySQL counts for each user).
  let mostErrors: Int?
  /// Sorted by host.
  let accounts: [MariaDBAccount]

  /// The rows that `ref` names; nil, or the user itself: all.
  func rows(of ref: CredentialRef?) -> [MariaDBAccount] {
    guard let ref, accounts.first.map({ $0.user != ref.rawValue }) ?? false else { return accounts }
    // What was issued is at every row.
    if let user = accounts.first?.user, ref.rawValue.hasPrefix(user + "/") { return accounts }
    return accounts.filter { $0.ref == ref }
  }

  func may(_ right: String) -> Bool {
    rights.contains(right) || rights.contains("ALL PRIVILEGES")
      // One right of old for what is several today.
      || (right == "CONNECTION ADMIN" && rights.contains("SUPER"))
  }

  /// ``server``, as SQL.
  static let name = "CONCAT_WS('/', @@GLOBAL.hostname, @@GLOBAL.port, @@GLOBAL.server_id)"

  /// - Throws: `.unsafe` when somebody else's statements run in the runner's sessions; `.refused` when it may not look.
  init(of user: String, runner: String, _ session: any SQLSession) async throws(CapabilityError) {
    let facts = try await session.query(
      "SELECT @@GLOBAL.version, @@GLOBAL.init_connect, \(Self.name)", [])
    guard let row = facts.first, row.count == 3, let version = row[0], let server = row[2] else {
      throw CapabilityError(.serverError, "SELECT", because: "the server told nothing about itself")
    }
    self.server = server
    let isMariaDB = version.contains("MariaDB")
    self.isMariaDB = isMariaDB
    let takesTwo = Self.isAtLeast(version, isMariaDB ? [10, 4, 0] : [8, 0, 14])
    self.takesTwo = takesTwo
    let rights = Self.rights(try await session.query("SHOW GRANTS", []))
    self.rights = rights
    let isSpared = !rights.isDisjoint(with: ["ALL PRIVILEGES", "SUPER", "CONNECTION ADMIN"])
    guard isSpared || row[1]?.isEmpty ?? true else {
      throw CapabilityError(
        .unsafe, "session of \(runner)",
        because:
          "init_connect is set: statements that somebody else wrote run in this session, with the runner's rights",
        fix:
          "see what they do: SELECT @@GLOBAL.init_connect; then GRANT CONNECTION ADMIN ON *.* TO \(runner), for whom "
          + "they are not run")
    }
    var most: Int?
    if isMariaDB, takesTwo {
      most = try await session.query("SELECT @@GLOBAL.max_password_errors", []).first?.first
        .flatMap { $0 }.flatMap { Int($0) }
    }
    mostErrors = most
    accounts = try await Self.accounts(of: user, session, isMariaDB: isMariaDB)
  }

  private static func isAtLeast(_ version: String, _ wanted: [Int]) -> Bool {
    let numbers = version.split { $0 != "." && !$0.isNumber }.first?.split(separator: ".").compactMap {
      Int($0)
    }
    guard let numbers else { return false }
    return !numbers.lexicographicallyPrecedes(wanted)
  }

  /// `GRANT PROCESS, CREATE USER ON *.* TO …`: nothing behind that is kept, the runner's own verifier stands there. A database
  /// or a role may be called what a right is, by whoever made it: names stand in quotes, rights do not.
  private static func rights(_ rows: [[String?]]) -> Set<String> {
    var found: Set<String> = []
    for row in rows {
      guard let text = row.first.flatMap({ $0 }), text.hasPrefix("GRANT "),
        let end = text.range(of: " ON *.* TO "), !text[..<end.lowerBound].contains("`")
      else { continue }
      for right in text[..<end.lowerBound].dropFirst("GRANT ".count).split(separator: ",") {
        found.insert(
          right.trimmingCharacters(in: .whitespaces).uppercased().replacing("_", with: " "))
      }
    }
    return found
  }

  /// The rows in the server's memory, which judges logins, and those in its table, which it would judge by after the next
  /// start.
  private static func accounts(of user: String, _ session: any SQLSession, isMariaDB: Bool)
    async throws(CapabilityError) -> [MariaDBAccount]
  {
    let stored = try await session.query(
      "SELECT CAST(Host AS CHAR) FROM mysql.user WHERE User = $1" + (isMariaDB ? " AND is_role <> 'Y'" : ""),
      [user])
    var hosts = Set(stored.compactMap { $0.first.flatMap { $0 } })
    let prefix = "'\(user)'@'"
    for row in try await session.query("SELECT DISTINCT GRANTEE FROM information_schema.USER_PRIVILEGES", [])
    {
      guard let name = row.first.flatMap({ $0 }), name.hasPrefix(prefix), name.hasSuffix("'") else {
        continue
      }
      hosts.insert(String(name.dropFirst(prefix.count).dropLast()))
    }
    var seconds: Set<String> = []
    if !isMariaDB {
      // Else the verifier is shown as bytes that are no text.
      _ = try await session.query("SET SESSION print_identified_with_as_hex = ON", [])
      let rows = try await session.query(
        "SELECT CAST(Host AS CHAR) FROM mysql.user WHERE User = $1 "
          + "AND JSON_CONTAINS_PATH(User_attributes, 'one', '$.additional_password')", [user])
      seconds = Set(rows.compactMap { $0.first.flatMap { $0 } })
    }
    var found: [MariaDBAccount] = []
    for host in hosts.sorted() {
      let name = try session.quotedLiteral(user) + "@" + (try session.quotedLiteral(host))
      let rows: [[String?]]
      do throws(CapabilityError) {
        rows = try await session.query("SHOW CREATE USER \(name)", [])
      } catch {
        guard error.class == .notFound else { throw error }
        throw CapabilityError(
          .conflict, "SHOW CREATE USER",
          because:
            "\(user)@\(host) stands in mysql.user and the server does not know it: it would from its next start on",
          fix: "see who wrote it, then: FLUSH PRIVILEGES")
      }
      guard let text = rows.first?.first.flatMap({ $0 }), var account = MariaDBAccount(text) else {
        throw CapabilityError(
          .serverError, "SHOW CREATE USER", because: "what the server says of \(user)@\(host) cannot be read",
          fix: "look yourself: SHOW CREATE USER \(user)@\(host)")
      }
      account.hasSecond = seconds.contains(host)
      found.append(account)
    }
    return found
  }
}
