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

  /// What is known of each kind of credential (docs/KINDS.md), by path. Their names end with `.kind.yaml`: playbooks and
  /// providers have names of their own beside them.
  public static let kinds: [File] = [
    File(path: "playbooks/kinds/airtable_token.kind.yaml", bytes: PackageResources.airtable_token_kind_yaml),
    File(
      path: "playbooks/kinds/algolia_api_key.kind.yaml", bytes: PackageResources.algolia_api_key_kind_yaml),
    File(
      path: "playbooks/kinds/anthropic_api_key.kind.yaml",
      bytes: PackageResources.anthropic_api_key_kind_yaml),
    File(path: "playbooks/kinds/asana_token.kind.yaml", bytes: PackageResources.asana_token_kind_yaml),
    File(
      path: "playbooks/kinds/atlassian_api_token.kind.yaml",
      bytes: PackageResources.atlassian_api_token_kind_yaml),
    File(path: "playbooks/kinds/aws_access_key.kind.yaml", bytes: PackageResources.aws_access_key_kind_yaml),
    File(
      path: "playbooks/kinds/aws_bedrock_api_key.kind.yaml",
      bytes: PackageResources.aws_bedrock_api_key_kind_yaml),
    File(
      path: "playbooks/kinds/aws_session_token.kind.yaml",
      bytes: PackageResources.aws_session_token_kind_yaml),
    File(
      path: "playbooks/kinds/azure_client_secret.kind.yaml",
      bytes: PackageResources.azure_client_secret_kind_yaml),
    File(
      path: "playbooks/kinds/azure_devops_token.kind.yaml",
      bytes: PackageResources.azure_devops_token_kind_yaml),
    File(
      path: "playbooks/kinds/azure_storage_key.kind.yaml",
      bytes: PackageResources.azure_storage_key_kind_yaml),
    File(path: "playbooks/kinds/basic_auth_url.kind.yaml", bytes: PackageResources.basic_auth_url_kind_yaml),
    File(path: "playbooks/kinds/bearer_header.kind.yaml", bytes: PackageResources.bearer_header_kind_yaml),
    File(
      path: "playbooks/kinds/bitbucket_token.kind.yaml", bytes: PackageResources.bitbucket_token_kind_yaml),
    File(
      path: "playbooks/kinds/buildkite_token.kind.yaml", bytes: PackageResources.buildkite_token_kind_yaml),
    File(path: "playbooks/kinds/circleci_token.kind.yaml", bytes: PackageResources.circleci_token_kind_yaml),
    File(path: "playbooks/kinds/clickup_token.kind.yaml", bytes: PackageResources.clickup_token_kind_yaml),
    File(path: "playbooks/kinds/clojars_token.kind.yaml", bytes: PackageResources.clojars_token_kind_yaml),
    File(
      path: "playbooks/kinds/cloudflare_api_token.kind.yaml",
      bytes: PackageResources.cloudflare_api_token_kind_yaml),
    File(
      path: "playbooks/kinds/contentful_token.kind.yaml", bytes: PackageResources.contentful_token_kind_yaml),
    File(
      path: "playbooks/kinds/crates_io_token.kind.yaml", bytes: PackageResources.crates_io_token_kind_yaml),
    File(
      path: "playbooks/kinds/databricks_token.kind.yaml", bytes: PackageResources.databricks_token_kind_yaml),
    File(
      path: "playbooks/kinds/datadog_api_key.kind.yaml", bytes: PackageResources.datadog_api_key_kind_yaml),
    File(
      path: "playbooks/kinds/datadog_app_key.kind.yaml", bytes: PackageResources.datadog_app_key_kind_yaml),
    File(
      path: "playbooks/kinds/deepgram_api_key.kind.yaml", bytes: PackageResources.deepgram_api_key_kind_yaml),
    File(
      path: "playbooks/kinds/digitalocean_token.kind.yaml",
      bytes: PackageResources.digitalocean_token_kind_yaml),
    File(
      path: "playbooks/kinds/discord_bot_token.kind.yaml",
      bytes: PackageResources.discord_bot_token_kind_yaml),
    File(
      path: "playbooks/kinds/discord_webhook_url.kind.yaml",
      bytes: PackageResources.discord_webhook_url_kind_yaml),
    File(
      path: "playbooks/kinds/dockerhub_token.kind.yaml", bytes: PackageResources.dockerhub_token_kind_yaml),
    File(path: "playbooks/kinds/doppler_token.kind.yaml", bytes: PackageResources.doppler_token_kind_yaml),
    File(path: "playbooks/kinds/dropbox_token.kind.yaml", bytes: PackageResources.dropbox_token_kind_yaml),
    File(
      path: "playbooks/kinds/dynatrace_token.kind.yaml", bytes: PackageResources.dynatrace_token_kind_yaml),
    File(
      path: "playbooks/kinds/elevenlabs_api_key.kind.yaml",
      bytes: PackageResources.elevenlabs_api_key_kind_yaml),
    File(path: "playbooks/kinds/etcd_password.kind.yaml", bytes: PackageResources.etcd_password_kind_yaml),
    File(path: "playbooks/kinds/fastly_token.kind.yaml", bytes: PackageResources.fastly_token_kind_yaml),
    File(path: "playbooks/kinds/figma_token.kind.yaml", bytes: PackageResources.figma_token_kind_yaml),
    File(path: "playbooks/kinds/flyio_token.kind.yaml", bytes: PackageResources.flyio_token_kind_yaml),
    File(path: "playbooks/kinds/gcp_api_key.kind.yaml", bytes: PackageResources.gcp_api_key_kind_yaml),
    File(path: "playbooks/kinds/gcp_hmac_key.kind.yaml", bytes: PackageResources.gcp_hmac_key_kind_yaml),
    File(
      path: "playbooks/kinds/gcp_service_account_key.kind.yaml",
      bytes: PackageResources.gcp_service_account_key_kind_yaml),
    File(
      path: "playbooks/kinds/gcp_user_credentials.kind.yaml",
      bytes: PackageResources.gcp_user_credentials_kind_yaml),
    File(
      path: "playbooks/kinds/generic_api_key.kind.yaml", bytes: PackageResources.generic_api_key_kind_yaml),
    File(
      path: "playbooks/kinds/generic_password.kind.yaml", bytes: PackageResources.generic_password_kind_yaml),
    File(
      path: "playbooks/kinds/github_app_token.kind.yaml", bytes: PackageResources.github_app_token_kind_yaml),
    File(
      path: "playbooks/kinds/github_oauth_token.kind.yaml",
      bytes: PackageResources.github_oauth_token_kind_yaml),
    File(
      path: "playbooks/kinds/github_pat_classic.kind.yaml",
      bytes: PackageResources.github_pat_classic_kind_yaml),
    File(
      path: "playbooks/kinds/github_pat_fine_grained.kind.yaml",
      bytes: PackageResources.github_pat_fine_grained_kind_yaml),
    File(
      path: "playbooks/kinds/gitlab_other_token.kind.yaml",
      bytes: PackageResources.gitlab_other_token_kind_yaml),
    File(path: "playbooks/kinds/gitlab_pat.kind.yaml", bytes: PackageResources.gitlab_pat_kind_yaml),
    File(
      path: "playbooks/kinds/glewlwyd_client_secret.kind.yaml",
      bytes: PackageResources.glewlwyd_client_secret_kind_yaml),
    File(path: "playbooks/kinds/grafana_token.kind.yaml", bytes: PackageResources.grafana_token_kind_yaml),
    File(path: "playbooks/kinds/groq_api_key.kind.yaml", bytes: PackageResources.groq_api_key_kind_yaml),
    File(path: "playbooks/kinds/heroku_api_key.kind.yaml", bytes: PackageResources.heroku_api_key_kind_yaml),
    File(
      path: "playbooks/kinds/honeycomb_api_key.kind.yaml",
      bytes: PackageResources.honeycomb_api_key_kind_yaml),
    File(path: "playbooks/kinds/hubspot_token.kind.yaml", bytes: PackageResources.hubspot_token_kind_yaml),
    File(
      path: "playbooks/kinds/huggingface_token.kind.yaml",
      bytes: PackageResources.huggingface_token_kind_yaml),
    File(path: "playbooks/kinds/intercom_token.kind.yaml", bytes: PackageResources.intercom_token_kind_yaml),
    File(path: "playbooks/kinds/jfrog_token.kind.yaml", bytes: PackageResources.jfrog_token_kind_yaml),
    File(
      path: "playbooks/kinds/jupyterhub_token.kind.yaml", bytes: PackageResources.jupyterhub_token_kind_yaml),
    File(path: "playbooks/kinds/jwt.kind.yaml", bytes: PackageResources.jwt_kind_yaml),
    File(
      path: "playbooks/kinds/k8s_secret_manifest.kind.yaml",
      bytes: PackageResources.k8s_secret_manifest_kind_yaml),
    File(
      path: "playbooks/kinds/k8s_service_account_token.kind.yaml",
      bytes: PackageResources.k8s_service_account_token_kind_yaml),
    File(
      path: "playbooks/kinds/launchdarkly_token.kind.yaml",
      bytes: PackageResources.launchdarkly_token_kind_yaml),
    File(path: "playbooks/kinds/ldap_password.kind.yaml", bytes: PackageResources.ldap_password_kind_yaml),
    File(path: "playbooks/kinds/linear_api_key.kind.yaml", bytes: PackageResources.linear_api_key_kind_yaml),
    File(
      path: "playbooks/kinds/mailchimp_api_key.kind.yaml",
      bytes: PackageResources.mailchimp_api_key_kind_yaml),
    File(
      path: "playbooks/kinds/mailgun_api_key.kind.yaml", bytes: PackageResources.mailgun_api_key_kind_yaml),
    File(
      path: "playbooks/kinds/mistral_api_key.kind.yaml", bytes: PackageResources.mistral_api_key_kind_yaml),
    File(
      path: "playbooks/kinds/mlflow_password.kind.yaml", bytes: PackageResources.mlflow_password_kind_yaml),
    File(path: "playbooks/kinds/mongodb_uri.kind.yaml", bytes: PackageResources.mongodb_uri_kind_yaml),
    File(path: "playbooks/kinds/mysql_uri.kind.yaml", bytes: PackageResources.mysql_uri_kind_yaml),
    File(path: "playbooks/kinds/netlify_token.kind.yaml", bytes: PackageResources.netlify_token_kind_yaml),
    File(
      path: "playbooks/kinds/newrelic_api_key.kind.yaml", bytes: PackageResources.newrelic_api_key_kind_yaml),
    File(path: "playbooks/kinds/notion_token.kind.yaml", bytes: PackageResources.notion_token_kind_yaml),
    File(path: "playbooks/kinds/npm_token.kind.yaml", bytes: PackageResources.npm_token_kind_yaml),
    File(path: "playbooks/kinds/nuget_api_key.kind.yaml", bytes: PackageResources.nuget_api_key_kind_yaml),
    File(path: "playbooks/kinds/okta_api_token.kind.yaml", bytes: PackageResources.okta_api_token_kind_yaml),
    File(path: "playbooks/kinds/openai_api_key.kind.yaml", bytes: PackageResources.openai_api_key_kind_yaml),
    File(
      path: "playbooks/kinds/openrouter_api_key.kind.yaml",
      bytes: PackageResources.openrouter_api_key_kind_yaml),
    File(
      path: "playbooks/kinds/opsgenie_api_key.kind.yaml", bytes: PackageResources.opsgenie_api_key_kind_yaml),
    File(
      path: "playbooks/kinds/pagerduty_api_key.kind.yaml",
      bytes: PackageResources.pagerduty_api_key_kind_yaml),
    File(
      path: "playbooks/kinds/perplexity_api_key.kind.yaml",
      bytes: PackageResources.perplexity_api_key_kind_yaml),
    File(
      path: "playbooks/kinds/planetscale_token.kind.yaml",
      bytes: PackageResources.planetscale_token_kind_yaml),
    File(path: "playbooks/kinds/postgres_uri.kind.yaml", bytes: PackageResources.postgres_uri_kind_yaml),
    File(
      path: "playbooks/kinds/posthog_api_key.kind.yaml", bytes: PackageResources.posthog_api_key_kind_yaml),
    File(
      path: "playbooks/kinds/postman_api_key.kind.yaml", bytes: PackageResources.postman_api_key_kind_yaml),
    File(path: "playbooks/kinds/postmark_token.kind.yaml", bytes: PackageResources.postmark_token_kind_yaml),
    File(path: "playbooks/kinds/private_key.kind.yaml", bytes: PackageResources.private_key_kind_yaml),
    File(path: "playbooks/kinds/pulumi_token.kind.yaml", bytes: PackageResources.pulumi_token_kind_yaml),
    File(path: "playbooks/kinds/pypi_token.kind.yaml", bytes: PackageResources.pypi_token_kind_yaml),
    File(
      path: "playbooks/kinds/rabbitmq_password.kind.yaml",
      bytes: PackageResources.rabbitmq_password_kind_yaml),
    File(path: "playbooks/kinds/redis_uri.kind.yaml", bytes: PackageResources.redis_uri_kind_yaml),
    File(
      path: "playbooks/kinds/registry_password.kind.yaml",
      bytes: PackageResources.registry_password_kind_yaml),
    File(
      path: "playbooks/kinds/replicate_token.kind.yaml", bytes: PackageResources.replicate_token_kind_yaml),
    File(path: "playbooks/kinds/resend_api_key.kind.yaml", bytes: PackageResources.resend_api_key_kind_yaml),
    File(
      path: "playbooks/kinds/rubygems_api_key.kind.yaml", bytes: PackageResources.rubygems_api_key_kind_yaml),
    File(
      path: "playbooks/kinds/sendgrid_api_key.kind.yaml", bytes: PackageResources.sendgrid_api_key_kind_yaml),
    File(path: "playbooks/kinds/sentry_token.kind.yaml", bytes: PackageResources.sentry_token_kind_yaml),
    File(path: "playbooks/kinds/shopify_token.kind.yaml", bytes: PackageResources.shopify_token_kind_yaml),
    File(path: "playbooks/kinds/slack_token.kind.yaml", bytes: PackageResources.slack_token_kind_yaml),
    File(
      path: "playbooks/kinds/slack_webhook_url.kind.yaml",
      bytes: PackageResources.slack_webhook_url_kind_yaml),
    File(path: "playbooks/kinds/snyk_token.kind.yaml", bytes: PackageResources.snyk_token_kind_yaml),
    File(
      path: "playbooks/kinds/sonarqube_token.kind.yaml", bytes: PackageResources.sonarqube_token_kind_yaml),
    File(path: "playbooks/kinds/sqlserver_uri.kind.yaml", bytes: PackageResources.sqlserver_uri_kind_yaml),
    File(path: "playbooks/kinds/square_token.kind.yaml", bytes: PackageResources.square_token_kind_yaml),
    File(
      path: "playbooks/kinds/ssh_private_key.kind.yaml", bytes: PackageResources.ssh_private_key_kind_yaml),
    File(
      path: "playbooks/kinds/stripe_secret_key.kind.yaml",
      bytes: PackageResources.stripe_secret_key_kind_yaml),
    File(path: "playbooks/kinds/supabase_token.kind.yaml", bytes: PackageResources.supabase_token_kind_yaml),
    File(path: "playbooks/kinds/tailscale_key.kind.yaml", bytes: PackageResources.tailscale_key_kind_yaml),
    File(
      path: "playbooks/kinds/telegram_bot_token.kind.yaml",
      bytes: PackageResources.telegram_bot_token_kind_yaml),
    File(path: "playbooks/kinds/telnyx_api_key.kind.yaml", bytes: PackageResources.telnyx_api_key_kind_yaml),
    File(
      path: "playbooks/kinds/terraform_cloud_token.kind.yaml",
      bytes: PackageResources.terraform_cloud_token_kind_yaml),
    File(path: "playbooks/kinds/todoist_token.kind.yaml", bytes: PackageResources.todoist_token_kind_yaml),
    File(path: "playbooks/kinds/twilio_api_key.kind.yaml", bytes: PackageResources.twilio_api_key_kind_yaml),
    File(
      path: "playbooks/kinds/twilio_auth_token.kind.yaml",
      bytes: PackageResources.twilio_auth_token_kind_yaml),
    File(path: "playbooks/kinds/twitch_token.kind.yaml", bytes: PackageResources.twitch_token_kind_yaml),
    File(path: "playbooks/kinds/typeform_token.kind.yaml", bytes: PackageResources.typeform_token_kind_yaml),
    File(path: "playbooks/kinds/unknown.kind.yaml", bytes: PackageResources.unknown_kind_yaml),
    File(path: "playbooks/kinds/vault_token.kind.yaml", bytes: PackageResources.vault_token_kind_yaml),
    File(path: "playbooks/kinds/vercel_token.kind.yaml", bytes: PackageResources.vercel_token_kind_yaml),
    File(path: "playbooks/kinds/vultr_api_key.kind.yaml", bytes: PackageResources.vultr_api_key_kind_yaml),
    File(path: "playbooks/kinds/wandb_api_key.kind.yaml", bytes: PackageResources.wandb_api_key_kind_yaml),
    File(path: "playbooks/kinds/webflow_token.kind.yaml", bytes: PackageResources.webflow_token_kind_yaml),
    File(path: "playbooks/kinds/xai_api_key.kind.yaml", bytes: PackageResources.xai_api_key_kind_yaml),
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
