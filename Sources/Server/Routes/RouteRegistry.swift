import Inbox
import Logging
import Secrets
import WebhookSignatures

/// The routes of the settings, with their secrets: one line per kind.
struct RouteRegistry {
  let secrets: SecretSources
  let inbox: Inbox
  let fetching: any Fetching
  let certificates: CertificateCache
  let limits: ReceiverLimits
  let log: Logger

  /// - Throws: ``SettingsError`` when a secret is missing or is none: the receiver does not start then.
  func routes(of settings: ReceiverSettings) throws(SettingsError) -> [any WebhookRoute] {
    var routes: [any WebhookRoute] = []
    for (index, route) in settings.routes.enumerated() {
      let place = "routes[\(index)]"
      do {
        routes += try make(route, at: place)
      } catch let error as SettingsError {
        throw error
      } catch {
        let why = (error as? SignatureError)?.because ?? "\(type(of: error))"
        throw SettingsError(place, because: why, fix: "set every secret of \(route.path)")
      }
    }
    return routes
  }

  private func make(_ route: RouteSettings, at place: String) throws -> [any WebhookRoute] {
    let path = route.path
    let keys = try secrets(route.keys, "\(place).keys")
    let tokens = try secrets(route.tokens, "\(place).tokens")
    let credentials = try secrets(route.credentials, "\(place).credentials")
    let signingKeys = try secrets(route.signingKeys, "\(place).signing_keys")
    switch route.kind {
    case .github: return [GitHubRoute(path: path, verifier: try GitHubSignature(keys: keys))]
    case .githubPartner:
      return [GitHubPartnerRoute(path: path, keys: PartnerKeys(api: route.api, fetching: fetching))]
    case .gitlab:
      return [
        GitLabRoute(
          path: path, token: tokens.isEmpty ? nil : try GitLabToken(tokens: tokens),
          signature: signingKeys.isEmpty ? nil : try StandardWebhookSignature(keys: signingKeys))
      ]
    case .gitlabRevocation:
      let verifier = try GitLabToken(tokens: tokens, header: "Authorization")
      return [
        GitLabRevocationRoute(path: path + "/v1/revoke_tokens", verifier: verifier),
        GitLabRevocableTypesRoute(
          path: path + "/v1/revocable_token_types", verifier: verifier, types: route.types),
      ]
    case .gitguardian:
      return [GitGuardianRoute(path: path, verifier: try GitGuardianSignature(tokens: tokens))]
    case .awsSNS:
      return [
        SNSRoute(
          path: path, topics: Set(route.topics), certificates: certificates, fetching: fetching, log: log)
      ]
    case .standardWebhooks:
      return [
        StandardWebhooksRoute(
          path: path, verifier: try StandardWebhookSignature(keys: signingKeys, publicKeys: route.publicKeys))
      ]
    case .cloudEvents:
      return [
        CloudEventsRoute(
          path: path, verifier: try AuthorizationToken(bearers: tokens), origins: Set(route.origins),
          rate: limits.rate)
      ]
    case .pagerduty: return [PagerDutyRoute(path: path, verifier: try PagerDutySignature(keys: keys))]
    case .slack: return [SlackRoute(path: path, verifier: try SlackSignature(keys: keys), inbox: inbox)]
    case .alertmanager:
      return [
        AlertmanagerRoute(
          path: path, verifier: try AuthorizationToken(bearers: tokens, credentials: credentials))
      ]
    case .report: return [ReportRoute(path: path, verifier: try AuthorizationToken(bearers: tokens))]
    }
  }

  private func secrets(_ references: [SecretReference], _ place: String) throws(SettingsError) -> [Secret] {
    var found: [Secret] = []
    for reference in references { found.append(try secrets.secret(reference, at: place)) }
    return found
  }
}
