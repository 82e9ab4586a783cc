import Capabilities
import JSON
import RESTClient

extension RESTClient {
  /// OpenAI's API with an admin key of the organisation.
  static func openAI(base: String, adminKey: String, in environment: AdapterEnvironment) -> RESTClient {
    RESTClient(
      base: base, login: Login(adminKey), environment: environment,
      fix: "check admin_key in staunch.yaml: it must be an admin key of this organisation")
  }
}
