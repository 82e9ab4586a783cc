extension BuiltinContent {
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
}
