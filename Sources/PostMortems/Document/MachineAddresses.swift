/// Tells addresses and handles of machines, roles and teams from those of people.
enum MachineAddresses {
  /// Words of accounts and mailboxes that no single person is behind.
  private static let roles: Set<String> = [
    "abuse", "account", "accounts", "admin", "administrator", "admins", "alert", "alerting", "alerts", "all",
    "app", "apps",
    "appsec", "audit", "automation", "backup", "bastion", "billing", "bot", "bots", "build", "builder", "cd",
    "cert",
    "channel", "ci", "cicd", "compliance", "contact", "csirt", "daemon", "data", "deploy", "deployer",
    "deployment", "dev",
    "developers", "devops", "devs", "dpo", "donotreply", "engineering", "everyone", "feedback", "finance",
    "git", "github",
    "gitlab", "hello", "help", "helpdesk", "here", "hostmaster", "hr", "incident", "incidents", "info",
    "infra",
    "infrastructure", "it", "jenkins", "job", "jobs", "latest", "legal", "list", "lists", "mail", "mailer",
    "maintainers",
    "management", "monitoring", "network", "next", "no", "nobody", "noc", "noreply", "notification",
    "notifications",
    "notify", "oncall", "on", "call", "operations", "operators", "ops", "owners", "pager", "platform",
    "postgres",
    "postmaster", "press", "privacy", "prod", "production", "psirt", "redis", "release", "releases",
    "renovate",
    "dependabot", "reply", "report", "reports", "responder", "responders", "response", "reviewers", "robot",
    "root",
    "runner", "runners", "sales", "secops", "security", "secure", "sender", "server", "service", "services",
    "soc", "sre",
    "sres", "srv", "staff", "staging", "status", "support", "svc", "sync", "sys", "sysadmin", "system",
    "team", "teams",
    "test", "ubuntu", "updates", "user", "users", "vulnerabilities", "vulnerability", "webhook", "webhooks",
    "webmaster",
    "worker", "workers", "www",
  ]

  /// Domains in which accounts are machines' (Google Cloud, AWS) and names that no mail leaves (RFC 6762, RFC 8375, RFC 9476).
  private static let machineDomains = [
    "gserviceaccount.com", "cloudbuild.gserviceaccount.com", "internal", "local", "localdomain", "lan",
    "cluster", "svc",
    "home.arpa", "arpa", "invalid", "alt",
  ]

  /// - Parameters:
  ///   - address: `name@host`.
  ///   - after: what stands directly behind it.
  static func isMachine(address: Substring, after: Substring) -> Bool {
    guard let at = address.lastIndex(of: "@") else { return false }
    let name = address[..<at]
    let domain = address[address.index(after: at)...].lowercased()
    // `trainer@db.example/app`, `deploy@host:22`, `deploy@host:/srv`: a login at a host.
    if let next = after.first,
      next == "/" || (next == ":" && after.dropFirst().first.map(continuesHost) == true)
    {
      return true
    }
    if domain.split(separator: ".").last?.allSatisfy(\.isNumber) == true { return true }
    if machineDomains.contains(where: { domain == $0 || domain.hasSuffix("." + $0) }) { return true }
    if name.lowercased().hasSuffix("[bot]") || domain == "sns.amazonaws.com" { return true }
    return isRole(name)
  }

  private static func continuesHost(_ character: Character) -> Bool {
    character.isNumber || character == "/" || character == "~" || character.isLetter
  }

  /// - Parameters:
  ///   - handle: without its `@`.
  ///   - before: the text in front of it.
  static func isMachine(handle: Substring, before: Substring) -> Bool {
    if isRole(handle) || handle.wholeMatch(of: /(?i)v?[0-9][\w.\-]*|v[0-9]+|sha[0-9]+/) != nil { return true }
    if handle.lowercased().hasSuffix("-bot") { return true }
    let context = before.suffix(40).lowercased()
    // `the scope @acme`, `the packages of @acme`, `the team @falcon`.
    return context.contains(
      /\b(?:scopes?|packages?|namespaces?|organi[sz]ations?|orgs?|teams?|groups?|channels?|team\s+handle|mailing\s+list)(?:\s+(?:handle|name|called|named|is|are|of|was|at))*[\s"'(:]*$/
    )
  }

  /// True when the first word says so and none but a role's words and numbers follow, or the last one does.
  private static func isRole(_ name: Substring) -> Bool {
    let words = name.lowercased().split { !$0.isLetter }.map(String.init)
    guard let first = words.first, let last = words.last else { return true }
    if words.allSatisfy(roles.contains) { return true }
    let joined = words.joined()
    if roles.contains(joined) { return true }
    return roles.contains(first) && words.count > 1 || (roles.contains(last) && machineEnds.contains(last))
  }

  /// Last words that only machines and groups have: `payments-deployer`, `data-team`.
  private static let machineEnds: Set<String> = [
    "alerts", "bot", "ci", "daemon", "deployer", "list", "notifications", "oncall", "ops", "robot", "runner",
    "service", "sre",
    "svc", "team", "webhook", "worker",
  ]
}
