import Capabilities
import Foundation
import JSON
import Playbooks
import RESTClient
import Secrets

// How a credential is shown in a request: the leaked one, and the runner's own.
extension DescribedProvider {
  /// The runner's own credential, exchanged for a token of short life where the API wants that.
  func login(_ runner: ProviderRunner, _ scope: Scope) async throws(CapabilityError) -> Secret {
    guard let reference = settings.references[runner.setting] else {
      throw CapabilityError(
        .configuration, "use \(settings.name)", because: "the setting \"\(runner.setting)\" is missing",
        fix: "add it to the entry, with no more than: \(description.privilege); then: staunch doctor")
    }
    let own = try await environment.sources.resolve(reference)
    guard let token = runner.token else { return own }
    let path = try address(token.path, scope, description.verify.call)
    let answer = try await environment.http.fetch(exchange(own, by: token, scope))
    let operation = "POST " + api.shown(path)
    if let failure = failure(of: answer, operation, changes: false) { throw failure }
    guard let value = try value(token.take, ["answer": ProviderAnswer(answer).value]).text, !value.isEmpty
    else {
      throw CapabilityError(.invalid, operation, because: "the answer has no token", fix: "check base_url")
    }
    return Secret(value)
  }

  private func exchange(
    _ own: Secret, by token: (path: Template, body: ProviderBody, take: Playbooks.Expression), _ scope: Scope
  ) throws(CapabilityError) -> SafeRequest {
    let call = description.verify.call
    let body = try json(token.body, scope, secret: own, fresh: nil, call)
    return SafeRequest.post(
      settings.base + (try address(token.path, scope, call)),
      headers: [("Content-Type", .text("application/json"))],
      body: .secret(Secret(SecretBytes(copying: body.canonicalBytes))),
      readOnlyBecause: "a login: what it gives ends by itself and changes nothing"
    ).trusting(settings.trust)
  }

  /// The question of ``ProviderVerification`` with the runner's own credential. Where the credential stands in the question's body,
  /// that is the runner's own login.
  func questionOfRunner(_ names: Names) async throws(CapabilityError) -> SafeRequest? {
    let call = description.verify.call.shown(by: .runner)
    guard call.needsSecret else { return try await question(call, names, leaked: nil) }
    for runner in description.runner {
      guard let token = runner.token, let reference = settings.references[runner.setting] else { continue }
      return try exchange(try await environment.sources.resolve(reference), by: token, scope(names))
    }
    return nil
  }

  func field(_ login: ProviderLogin, _ secret: Secret, _ scope: Scope, _ call: ProviderCall)
    throws(CapabilityError) -> (name: String, value: HTTPField)?
  {
    func basic(_ pair: [UInt8]) -> (name: String, value: HTTPField) {
      ("Authorization", .secret(prefix: "Basic ", Secret(Data(pair).base64EncodedString())))
    }
    switch login {
    case .none: return nil
    case .header(let name, let prefix): return (name, .secret(prefix: prefix, secret))
    case .basic(let user):
      return basic(Array(try headerText(user, scope, call).utf8) + [0x3A] + secret.exposeAsBytes())
    case .user: return basic(secret.exposeAsBytes() + [0x3A])
    }
  }
}
