public import Capabilities
import RESTClient

// The rights that a run needs.
extension AWSAccessKey {
  public func readiness() async -> [Readiness] {
    do throws(CapabilityError) {
      var found = [Readiness("user", .ready("\(try await keys().count) keys of \(settings.user)"))]
      let user = try await client.get(.iam, "GetUser", [("UserName", settings.user)])["User"]?["Arn"]?.text
      guard let user else {
        throw CapabilityError(.invalid, "iam:GetUser", because: "the answer names nobody")
      }
      let account = user.split(separator: ":", omittingEmptySubsequences: false).dropFirst(4).first ?? ""
      var needs: [AWSRights.Need] = [
        .init(
          user, "iam:GetUser", "iam:ListAccessKeys", "iam:CreateAccessKey", "iam:UpdateAccessKey",
          "iam:DeleteAccessKey",
          "iam:GetUserPolicy", "iam:PutUserPolicy"),
        .init("*", "iam:GetAccessKeyLastUsed", "cloudtrail:LookupEvents"),
      ]
      for role in settings.roles {
        needs.append(
          .init(
            "arn:\(client.partition):iam::\(account):role/\(role)", "iam:GetRolePolicy", "iam:PutRolePolicy"))
      }
      found += await AWSRights(client: client).readiness(
        needs, excess: ["iam:CreateUser", "iam:AttachUserPolicy", "iam:CreateLoginProfile"])
      return found
    } catch { return [Readiness("user", error)] }
  }
}
