/// The files that are part of the program: playbooks and templates, as they stand at the top of the repository.
///
/// `playbooks` and `templates` beside this file are symbolic links to those directories; the package manager turns each
/// file in them into an array (`.embedInCode`), named after the file with `_` for everything but letters and digits.
/// A new file needs one line below; a test compares the lists with the directories and prints the missing line.
public enum BuiltinContent {
  /// One embedded file.
  public struct File: Sendable, Hashable {
    /// From the top of the repository, for example `playbooks/generic-secret.yaml`.
    public let path: String
    /// UTF-8.
    public let bytes: [UInt8]

    /// The file as text.
    public var text: String { String(decoding: bytes, as: UTF8.self) }
  }

  /// Every built-in playbook, by path.
  public static let playbooks: [File] = [
    File(path: "playbooks/clean-history.yaml", bytes: PackageResources.clean_history_yaml),
    File(path: "playbooks/database-password.yaml", bytes: PackageResources.database_password_yaml),
    File(path: "playbooks/generic-secret.yaml", bytes: PackageResources.generic_secret_yaml),
    File(path: "playbooks/openai-api-key.yaml", bytes: PackageResources.openai_api_key_yaml),
    File(
      path: "playbooks/rotate-leaked-credential.yaml", bytes: PackageResources.rotate_leaked_credential_yaml),
  ]

  /// The parts that the built-in playbooks share, by path.
  public static let parts: [File] = [
    File(path: "playbooks/parts/aftermath.yaml", bytes: PackageResources.aftermath_yaml),
    File(path: "playbooks/parts/contain-first.yaml", bytes: PackageResources.contain_first_yaml),
    File(path: "playbooks/parts/history.yaml", bytes: PackageResources.history_yaml),
    File(path: "playbooks/parts/prove.yaml", bytes: PackageResources.prove_yaml),
    File(path: "playbooks/parts/replace.yaml", bytes: PackageResources.replace_yaml),
    File(path: "playbooks/parts/ticket.yaml", bytes: PackageResources.ticket_yaml),
    File(path: "playbooks/parts/triage.yaml", bytes: PackageResources.triage_yaml),
  ]

  /// Every built-in drill scenario, by path.
  public static let scenarios: [File] = [
    File(path: "playbooks/drills/abused.yaml", bytes: PackageResources.abused_yaml),
    File(path: "playbooks/drills/consumer-breaks.yaml", bytes: PackageResources.consumer_breaks_yaml),
    File(path: "playbooks/drills/crash-after-issue.yaml", bytes: PackageResources.crash_after_issue_yaml),
    File(path: "playbooks/drills/lost-reply.yaml", bytes: PackageResources.lost_reply_yaml),
    File(path: "playbooks/drills/notifier-down.yaml", bytes: PackageResources.notifier_down_yaml),
    File(path: "playbooks/drills/openai-and-postgres.yaml", bytes: PackageResources.openai_and_postgres_yaml),
    File(path: "playbooks/drills/provider-throttles.yaml", bytes: PackageResources.provider_throttles_yaml),
    File(path: "playbooks/drills/still-alive.yaml", bytes: PackageResources.still_alive_yaml),
  ]

  /// What `staunch init` writes, and the templates of documents, by path.
  public static let templates: [File] = [
    File(path: "templates/handover.md.mustache", bytes: PackageResources.handover_md_mustache),
    File(path: "templates/postmortem.html.mustache", bytes: PackageResources.postmortem_html_mustache),
    File(path: "templates/postmortem.md.mustache", bytes: PackageResources.postmortem_md_mustache),
    File(path: "templates/staunch.yaml", bytes: PackageResources.staunch_yaml),
    File(
      path: "templates/update-executive.txt.mustache", bytes: PackageResources.update_executive_txt_mustache),
    File(
      path: "templates/update-internal.txt.mustache", bytes: PackageResources.update_internal_txt_mustache),
  ]

  /// The console's pages (Mustache), its style sheet, script and icon, by path.
  public static let console: [File] = [
    File(path: "templates/console/console.css", bytes: PackageResources.console_css),
    File(path: "templates/console/console.js", bytes: PackageResources.console_js),
    File(path: "templates/console/decide.mustache", bytes: PackageResources.decide_mustache),
    File(path: "templates/console/elapsed.mustache", bytes: PackageResources.elapsed_mustache),
    File(path: "templates/console/icon.svg", bytes: PackageResources.icon_svg),
    File(path: "templates/console/incident.mustache", bytes: PackageResources.incident_mustache),
    File(path: "templates/console/incidents.mustache", bytes: PackageResources.incidents_mustache),
    File(path: "templates/console/message.mustache", bytes: PackageResources.message_mustache),
    File(path: "templates/console/moment.mustache", bytes: PackageResources.moment_mustache),
    File(path: "templates/console/notice.mustache", bytes: PackageResources.notice_mustache),
    File(path: "templates/console/outbox.mustache", bytes: PackageResources.outbox_mustache),
    File(path: "templates/console/page.mustache", bytes: PackageResources.page_mustache),
    File(path: "templates/console/people.mustache", bytes: PackageResources.people_mustache),
    File(path: "templates/console/plan-body.mustache", bytes: PackageResources.plan_body_mustache),
    File(path: "templates/console/plan.mustache", bytes: PackageResources.plan_mustache),
    File(path: "templates/console/postmortem.mustache", bytes: PackageResources.postmortem_mustache),
    File(path: "templates/console/sign-in.mustache", bytes: PackageResources.sign_in_mustache),
    File(path: "templates/console/state.mustache", bytes: PackageResources.state_mustache),
  ]

  /// The template at `path` (for example `templates/staunch.yaml`), or nil when there is none.
  public static func template(_ path: String) -> File? { templates.first { $0.path == path } }
}
