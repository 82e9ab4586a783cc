/// The files that are part of the program: playbooks and templates, as they stand at the top of the repository.
///
/// `playbooks` and `templates` beside this file are symbolic links to those directories; the package manager turns each
/// file in them into an array (`.embedInCode`), named after the file with `_` for everything but letters and digits.
/// A new file needs one line below; a test compares the lists with the directories and prints the missing line.
public enum BuiltinContent {
  /// One embedded file.
  public struct File: Sendable {
    /// From the top of the repository, for example `playbooks/generic-secret.yaml`.
    public let path: String
    private let content: @Sendable () -> [UInt8]

    init(path: String, bytes: @autoclosure @escaping @Sendable () -> [UInt8]) {
      self.path = path
      content = bytes
    }

    /// UTF-8. They are made when they are asked for: a list of files costs nothing.
    public var bytes: [UInt8] { content() }

    /// The file as text.
    public var text: String { String(decoding: bytes, as: UTF8.self) }
  }

  /// Every built-in playbook, by path.
  public static let playbooks: [File] = [
    File(path: "playbooks/aws-access-key.yaml", bytes: PackageResources.aws_access_key_yaml),
    File(path: "playbooks/aws-ecs-pipeline.yaml", bytes: PackageResources.aws_ecs_pipeline_yaml),
    File(path: "playbooks/azure-storage-key.yaml", bytes: PackageResources.azure_storage_key_yaml),
    File(path: "playbooks/clean-history.yaml", bytes: PackageResources.clean_history_yaml),
    File(path: "playbooks/database-password.yaml", bytes: PackageResources.database_password_yaml),
    File(
      path: "playbooks/gcp-service-account-key.yaml", bytes: PackageResources.gcp_service_account_key_yaml),
    File(path: "playbooks/generic-secret.yaml", bytes: PackageResources.generic_secret_yaml),
    File(path: "playbooks/github-token.yaml", bytes: PackageResources.github_token_yaml),
    File(path: "playbooks/gitlab-token.yaml", bytes: PackageResources.gitlab_token_yaml),
    File(
      path: "playbooks/kubernetes-model-server.yaml", bytes: PackageResources.kubernetes_model_server_yaml),
    File(path: "playbooks/openai-and-database.yaml", bytes: PackageResources.openai_and_database_yaml),
    File(path: "playbooks/openai-api-key.yaml", bytes: PackageResources.openai_api_key_yaml),
    File(
      path: "playbooks/rotate-leaked-credential.yaml", bytes: PackageResources.rotate_leaked_credential_yaml),
    File(path: "playbooks/slack-token.yaml", bytes: PackageResources.slack_token_yaml),
    File(path: "playbooks/ssh-key.yaml", bytes: PackageResources.ssh_key_yaml),
    File(path: "playbooks/terraform-state.yaml", bytes: PackageResources.terraform_state_yaml),
    File(path: "playbooks/vault-token.yaml", bytes: PackageResources.vault_token_yaml),
  ]

  /// The parts that the built-in playbooks share, by path.
  public static let parts: [File] = [
    File(path: "playbooks/parts/aftermath.yaml", bytes: PackageResources.aftermath_yaml),
    File(path: "playbooks/parts/contain-first.yaml", bytes: PackageResources.contain_first_yaml),
    File(path: "playbooks/parts/cut-off.yaml", bytes: PackageResources.cut_off_yaml),
    File(path: "playbooks/parts/end-sessions.yaml", bytes: PackageResources.end_sessions_yaml),
    File(path: "playbooks/parts/history.yaml", bytes: PackageResources.history_yaml),
    File(path: "playbooks/parts/issue-both.yaml", bytes: PackageResources.issue_both_yaml),
    File(path: "playbooks/parts/move-both.yaml", bytes: PackageResources.move_both_yaml),
    File(path: "playbooks/parts/other-contain-first.yaml", bytes: PackageResources.other_contain_first_yaml),
    File(path: "playbooks/parts/other-end-sessions.yaml", bytes: PackageResources.other_end_sessions_yaml),
    File(path: "playbooks/parts/other-prove.yaml", bytes: PackageResources.other_prove_yaml),
    File(path: "playbooks/parts/other-triage.yaml", bytes: PackageResources.other_triage_yaml),
    File(path: "playbooks/parts/prove.yaml", bytes: PackageResources.prove_yaml),
    File(path: "playbooks/parts/replace.yaml", bytes: PackageResources.replace_yaml),
    File(path: "playbooks/parts/stop-both.yaml", bytes: PackageResources.stop_both_yaml),
    File(path: "playbooks/parts/successors.yaml", bytes: PackageResources.successors_yaml),
    File(path: "playbooks/parts/ticket.yaml", bytes: PackageResources.ticket_yaml),
    File(path: "playbooks/parts/triage.yaml", bytes: PackageResources.triage_yaml),
  ]

  /// Every built-in provider file, by path.
  public static let providers: [File] = [
    File(path: "playbooks/providers/airtable.yaml", bytes: PackageResources.airtable_yaml),
    File(path: "playbooks/providers/anthropic_key.yaml", bytes: PackageResources.anthropic_key_yaml),
    File(path: "playbooks/providers/asana.yaml", bytes: PackageResources.asana_yaml),
    File(path: "playbooks/providers/bitbucket.yaml", bytes: PackageResources.bitbucket_yaml),
    File(path: "playbooks/providers/buildkite.yaml", bytes: PackageResources.buildkite_yaml),
    File(path: "playbooks/providers/circleci.yaml", bytes: PackageResources.circleci_yaml),
    File(path: "playbooks/providers/clickup.yaml", bytes: PackageResources.clickup_yaml),
    File(path: "playbooks/providers/cloudflare.yaml", bytes: PackageResources.cloudflare_yaml),
    File(path: "playbooks/providers/contentful.yaml", bytes: PackageResources.contentful_yaml),
    File(path: "playbooks/providers/databricks.yaml", bytes: PackageResources.databricks_yaml),
    File(path: "playbooks/providers/datadog.yaml", bytes: PackageResources.datadog_yaml),
    File(path: "playbooks/providers/deepgram.yaml", bytes: PackageResources.deepgram_yaml),
    File(path: "playbooks/providers/digitalocean.yaml", bytes: PackageResources.digitalocean_yaml),
    File(path: "playbooks/providers/discord.yaml", bytes: PackageResources.discord_yaml),
    File(path: "playbooks/providers/dockerhub.yaml", bytes: PackageResources.dockerhub_yaml),
    File(path: "playbooks/providers/doppler.yaml", bytes: PackageResources.doppler_yaml),
    File(path: "playbooks/providers/dropbox.yaml", bytes: PackageResources.dropbox_yaml),
    File(path: "playbooks/providers/elevenlabs.yaml", bytes: PackageResources.elevenlabs_yaml),
    File(path: "playbooks/providers/etcd.yaml", bytes: PackageResources.etcd_yaml),
    File(path: "playbooks/providers/fastly.yaml", bytes: PackageResources.fastly_yaml),
    File(path: "playbooks/providers/figma.yaml", bytes: PackageResources.figma_yaml),
    File(path: "playbooks/providers/glewlwyd.yaml", bytes: PackageResources.glewlwyd_yaml),
    File(path: "playbooks/providers/grafana.yaml", bytes: PackageResources.grafana_yaml),
    File(path: "playbooks/providers/groq.yaml", bytes: PackageResources.groq_yaml),
    File(path: "playbooks/providers/heroku.yaml", bytes: PackageResources.heroku_yaml),
    File(path: "playbooks/providers/honeycomb.yaml", bytes: PackageResources.honeycomb_yaml),
    File(path: "playbooks/providers/hubspot.yaml", bytes: PackageResources.hubspot_yaml),
    File(path: "playbooks/providers/huggingface.yaml", bytes: PackageResources.huggingface_yaml),
    File(path: "playbooks/providers/intercom.yaml", bytes: PackageResources.intercom_yaml),
    File(path: "playbooks/providers/jupyterhub.yaml", bytes: PackageResources.jupyterhub_yaml),
    File(path: "playbooks/providers/launchdarkly.yaml", bytes: PackageResources.launchdarkly_yaml),
    File(path: "playbooks/providers/linear.yaml", bytes: PackageResources.linear_yaml),
    File(path: "playbooks/providers/mailchimp.yaml", bytes: PackageResources.mailchimp_yaml),
    File(path: "playbooks/providers/mailgun.yaml", bytes: PackageResources.mailgun_yaml),
    File(path: "playbooks/providers/mistral.yaml", bytes: PackageResources.mistral_yaml),
    File(path: "playbooks/providers/mlflow.yaml", bytes: PackageResources.mlflow_yaml),
    File(path: "playbooks/providers/netlify.yaml", bytes: PackageResources.netlify_yaml),
    File(path: "playbooks/providers/newrelic.yaml", bytes: PackageResources.newrelic_yaml),
    File(path: "playbooks/providers/notion.yaml", bytes: PackageResources.notion_yaml),
    File(path: "playbooks/providers/npm.yaml", bytes: PackageResources.npm_yaml),
    File(path: "playbooks/providers/openai_key.yaml", bytes: PackageResources.openai_key_yaml),
    File(path: "playbooks/providers/openrouter.yaml", bytes: PackageResources.openrouter_yaml),
    File(path: "playbooks/providers/opsgenie.yaml", bytes: PackageResources.opsgenie_yaml),
    File(path: "playbooks/providers/pagerduty.yaml", bytes: PackageResources.pagerduty_yaml),
    File(path: "playbooks/providers/posthog.yaml", bytes: PackageResources.posthog_yaml),
    File(path: "playbooks/providers/postman.yaml", bytes: PackageResources.postman_yaml),
    File(path: "playbooks/providers/postmark.yaml", bytes: PackageResources.postmark_yaml),
    File(path: "playbooks/providers/pulumi.yaml", bytes: PackageResources.pulumi_yaml),
    File(path: "playbooks/providers/rabbitmq.yaml", bytes: PackageResources.rabbitmq_yaml),
    File(path: "playbooks/providers/registry.yaml", bytes: PackageResources.registry_yaml),
    File(path: "playbooks/providers/replicate.yaml", bytes: PackageResources.replicate_yaml),
    File(path: "playbooks/providers/resend.yaml", bytes: PackageResources.resend_yaml),
    File(path: "playbooks/providers/sendgrid.yaml", bytes: PackageResources.sendgrid_yaml),
    File(path: "playbooks/providers/sentry.yaml", bytes: PackageResources.sentry_yaml),
    File(path: "playbooks/providers/shopify.yaml", bytes: PackageResources.shopify_yaml),
    File(path: "playbooks/providers/slack.yaml", bytes: PackageResources.slack_yaml),
    File(path: "playbooks/providers/snyk.yaml", bytes: PackageResources.snyk_yaml),
    File(path: "playbooks/providers/square.yaml", bytes: PackageResources.square_yaml),
    File(path: "playbooks/providers/stripe.yaml", bytes: PackageResources.stripe_yaml),
    File(path: "playbooks/providers/supabase.yaml", bytes: PackageResources.supabase_yaml),
    File(path: "playbooks/providers/telnyx.yaml", bytes: PackageResources.telnyx_yaml),
    File(path: "playbooks/providers/terraform_cloud.yaml", bytes: PackageResources.terraform_cloud_yaml),
    File(path: "playbooks/providers/todoist.yaml", bytes: PackageResources.todoist_yaml),
    File(path: "playbooks/providers/twilio.yaml", bytes: PackageResources.twilio_yaml),
    File(path: "playbooks/providers/twitch.yaml", bytes: PackageResources.twitch_yaml),
    File(path: "playbooks/providers/typeform.yaml", bytes: PackageResources.typeform_yaml),
    File(path: "playbooks/providers/vercel.yaml", bytes: PackageResources.vercel_yaml),
    File(path: "playbooks/providers/vultr.yaml", bytes: PackageResources.vultr_yaml),
    File(path: "playbooks/providers/wandb.yaml", bytes: PackageResources.wandb_yaml),
    File(path: "playbooks/providers/webflow.yaml", bytes: PackageResources.webflow_yaml),
    File(path: "playbooks/providers/xai.yaml", bytes: PackageResources.xai_yaml),
  ]

  /// Every built-in drill scenario, by path.
  public static let scenarios: [File] = [
    File(path: "playbooks/drills/abused.yaml", bytes: PackageResources.abused_yaml),
    File(
      path: "playbooks/drills/aws-ecs-pipeline-drill.yaml",
      bytes: PackageResources.aws_ecs_pipeline_drill_yaml),
    File(path: "playbooks/drills/consumer-breaks.yaml", bytes: PackageResources.consumer_breaks_yaml),
    File(path: "playbooks/drills/crash-after-issue.yaml", bytes: PackageResources.crash_after_issue_yaml),
    File(
      path: "playbooks/drills/kubernetes-model-server-drill.yaml",
      bytes: PackageResources.kubernetes_model_server_drill_yaml),
    File(path: "playbooks/drills/lost-reply.yaml", bytes: PackageResources.lost_reply_yaml),
    File(path: "playbooks/drills/notifier-down.yaml", bytes: PackageResources.notifier_down_yaml),
    File(path: "playbooks/drills/one-run-for-both.yaml", bytes: PackageResources.one_run_for_both_yaml),
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
    File(path: "templates/console/incident-row.mustache", bytes: PackageResources.incident_row_mustache),
    File(path: "templates/console/incident.mustache", bytes: PackageResources.incident_mustache),
    File(path: "templates/console/incidents.mustache", bytes: PackageResources.incidents_mustache),
    File(path: "templates/console/message.mustache", bytes: PackageResources.message_mustache),
    File(path: "templates/console/moment.mustache", bytes: PackageResources.moment_mustache),
    File(path: "templates/console/none.mustache", bytes: PackageResources.none_mustache),
    File(path: "templates/console/notice.mustache", bytes: PackageResources.notice_mustache),
    File(path: "templates/console/outbox.mustache", bytes: PackageResources.outbox_mustache),
    File(path: "templates/console/page.mustache", bytes: PackageResources.page_mustache),
    File(path: "templates/console/pages.mustache", bytes: PackageResources.pages_mustache),
    File(path: "templates/console/people.mustache", bytes: PackageResources.people_mustache),
    File(path: "templates/console/plan-body.mustache", bytes: PackageResources.plan_body_mustache),
    File(path: "templates/console/plan.mustache", bytes: PackageResources.plan_mustache),
    File(path: "templates/console/postmortem.mustache", bytes: PackageResources.postmortem_mustache),
    File(path: "templates/console/several.mustache", bytes: PackageResources.several_mustache),
    File(path: "templates/console/sign-in.mustache", bytes: PackageResources.sign_in_mustache),
    File(path: "templates/console/stale.mustache", bytes: PackageResources.stale_mustache),
    File(path: "templates/console/state.mustache", bytes: PackageResources.state_mustache),
    File(path: "templates/console/storm.mustache", bytes: PackageResources.storm_mustache),
    File(path: "templates/console/tabs.mustache", bytes: PackageResources.tabs_mustache),
    File(path: "templates/console/tally.mustache", bytes: PackageResources.tally_mustache),
  ]

  /// The template at `path` (for example `templates/staunch.yaml`), or nil when there is none.
  public static func template(_ path: String) -> File? { templates.first { $0.path == path } }
}
