import Capabilities
import Secrets

extension CredentialProvider {
  /// The public id of a leaked secret: as the provider knows it, or, when it is refused by now, the one account that the
  /// entry is about.
  func ref(ofLeaked secret: Secret) async throws(CapabilityError) -> CredentialRef {
    do throws(CapabilityError) {
      return try await identify(secret)
    } catch {
      guard error.class == .notFound, let account else { throw error }
      return account
    }
  }
}
