import Foundation
import JSON

// IAM, STS and a bucket of S3.
extension SimulatedAWS {
  static func escaped(_ text: String) -> String {
    text.replacing("&", with: "&amp;").replacing("<", with: "&lt;").replacing(">", with: "&gt;")
  }

  /// `<Name>text</Name>`
  static func tag(_ name: String, _ text: String) -> String { "<\(name)>\(escaped(text))</\(name)>" }

  /// `<ActionResponse><ActionResult>…`
  static func result(_ action: String, _ content: String = "") -> SimulatedReply {
    .xml(
      200,
      "<\(action)Response><\(action)Result>\(content)</\(action)Result>"
        + "<ResponseMetadata><RequestId>\(UUID().uuidString.lowercased())</RequestId></ResponseMetadata></\(action)Response>"
    )
  }

  func identities(
    _ action: String, _ form: [String: String], _ caller: Caller, _ style: Style, _ state: inout State
  ) -> SimulatedReply {
    let absent = style.refusal("NoSuchEntity", "There is none of this name.", status: 404)
    let holder: Holder = form["RoleName"].map { .role($0) } ?? .user(form["UserName"] ?? "")
    if form["UserName"] ?? form["RoleName"] != nil, state.rights[holder] == nil { return absent }
    let user = form["UserName"] ?? ""
    switch action {
    case "GetUser":
      return Self.result(
        action,
        "<User>" + Self.tag("UserName", user)
          + Self.tag("Arn", "\(Self.partition):iam::\(Self.account):user/\(user)") + "</User>")
    case "ListAccessKeys":
      let members = state.keys.filter { $0.user == user }.map { key in
        "<member>" + Self.tag("UserName", user) + Self.tag("AccessKeyId", key.id)
          + Self.tag("Status", key.isActive ? "Active" : "Inactive")
          + Self.tag("CreateDate", Self.text(key.created)) + "</member>"
      }
      return Self.result(
        action,
        "<AccessKeyMetadata>\(members.joined())</AccessKeyMetadata>" + Self.tag("IsTruncated", "false"))
    case "GetAccessKeyLastUsed":
      guard let key = state.keys.first(where: { $0.id == form["AccessKeyId"] }) else { return absent }
      return Self.result(
        action,
        Self.tag("UserName", key.user)
          + "<AccessKeyLastUsed>\(Self.tag("ServiceName", "sts"))\(Self.tag("Region", region))"
          + Self.tag("LastUsedDate", Self.text(now().addingTimeInterval(-3600))) + "</AccessKeyLastUsed>")
    case "CreateAccessKey": return createKey(user, caller, style, &state)
    case "UpdateAccessKey", "DeleteAccessKey":
      guard let index = state.keys.firstIndex(where: { $0.id == form["AccessKeyId"] && $0.user == user })
      else { return absent }
      if action == "UpdateAccessKey" {
        state.keys[index].isActive = form["Status"] == "Active"
      } else {
        state.keys[index].isActive = false
        state.deleted.append(state.keys.remove(at: index))
      }
      note(action, caller, ["userName": .string(user)], [:], &state)
      return Self.result(action)
    case "GetUserPolicy", "GetRolePolicy":
      let name = form["PolicyName"] ?? ""
      guard let document = state.policies[holder]?[name] else { return absent }
      let plain = document.addingPercentEncoding(withAllowedCharacters: .alphanumerics) ?? document
      return Self.result(action, Self.tag("PolicyName", name) + Self.tag("PolicyDocument", plain))
    case "PutUserPolicy", "PutRolePolicy":
      state.policies[holder, default: [:]][form["PolicyName"] ?? ""] = form["PolicyDocument"] ?? ""
      note(action, caller, ["policyName": .string(form["PolicyName"] ?? "")], [:], &state)
      return Self.result(action)
    default: return style.refusal("InvalidAction", "Could not find operation \(action).", status: 400)
    }
  }

  private func createKey(_ user: String, _ caller: Caller, _ style: Style, _ state: inout State)
    -> SimulatedReply
  {
    // AWS's quota, which cannot be raised.
    guard state.keys.count(where: { $0.user == user }) < 2 else {
      return style.refusal("LimitExceeded", "Cannot exceed quota for AccessKeysPerUser: 2", status: 409)
    }
    let key = Key(
      id: Self.random("AKIA"), secret: Self.random("", 40), user: user, isActive: true, created: now())
    state.keys.append(key)
    note(
      "CreateAccessKey", caller, ["userName": .string(user)], ["accessKey": ["accessKeyId": .string(key.id)]],
      &state)
    return Self.result(
      "CreateAccessKey",
      "<AccessKey>" + Self.tag("UserName", user) + Self.tag("AccessKeyId", key.id)
        + Self.tag("Status", "Active") + Self.tag("SecretAccessKey", key.secret)
        + Self.tag("CreateDate", Self.text(key.created)) + "</AccessKey>")
  }

  // MARK: sessions

  func sessions(
    _ action: String, _ form: [String: String], _ caller: Caller, _ style: Style, _ state: inout State
  ) -> SimulatedReply {
    switch action {
    case "GetCallerIdentity":
      let arn =
        switch caller.holder {
        case .user(let name): "\(Self.partition):iam::\(Self.account):user/\(name)"
        case .role(let name): "\(Self.partition):sts::\(Self.account):assumed-role/\(name)/session"
        }
      return Self.result(
        action, Self.tag("Arn", arn) + Self.tag("UserId", caller.id) + Self.tag("Account", Self.account))
    case "GetAccessKeyInfo": return Self.result(action, Self.tag("Account", Self.account))
    case "AssumeRole", "GetSessionToken":
      // arn:aws:iam::000000000000:role/NAME
      let role = form["RoleArn"].map { String($0.split(separator: "/").last ?? "") }
      if let role, state.rights[.role(role)] == nil {
        return style.refusal("AccessDenied", "There is no such role.")
      }
      let session = Self.draw(caller, role: role, at: now(), &state)
      return Self.result(
        action,
        "<Credentials>" + Self.tag("AccessKeyId", session.id) + Self.tag("SecretAccessKey", session.secret)
          + Self.tag("SessionToken", session.token)
          + Self.tag("Expiration", Self.text(session.issued.addingTimeInterval(3600))) + "</Credentials>")
    default: return style.refusal("InvalidAction", "Could not find operation \(action).", status: 400)
    }
  }

  /// New temporary keys, with their record.
  static func draw(_ caller: Caller, role: String?, at moment: Date, _ state: inout State) -> Session {
    let session = Session(
      id: random("ASIA"), secret: random("", 40), token: random("", 80),
      holder: role.map { .role($0) } ?? caller.holder,
      issued: Date(timeIntervalSince1970: moment.timeIntervalSince1970.rounded(.down)))
    state.sessions.append(session)
    state.events.append(
      Event(
        name: role == nil ? "GetSessionToken" : "AssumeRole", at: moment, by: caller,
        request: role.map { ["roleArn": .string("\(partition):iam::\(account):role/\($0)")] } ?? [:],
        response: ["credentials": ["accessKeyId": .string(session.id)]]))
    return session
  }

  // MARK: S3

  /// Source: https://docs.aws.amazon.com/AmazonS3/latest/API/API_ListObjectsV2.html
  func bucket(_ request: SimulatedRequest, _ style: Style) -> SimulatedReply {
    guard request.method == "GET", let name = request.path.first else {
      return style.refusal("MethodNotAllowed", "Only a bucket can be listed here.", status: 405)
    }
    return .xml(
      200,
      "<ListBucketResult>\(Self.tag("Name", name))\(Self.tag("KeyCount", "0"))"
        + "\(Self.tag("IsTruncated", "false"))</ListBucketResult>")
  }
}
