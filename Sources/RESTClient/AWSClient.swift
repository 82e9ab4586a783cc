public import Capabilities
import Foundation
public import JSON
import Secrets

/// Calls of AWS's APIs with the runner's own key: forms answered in XML (IAM, STS) and JSON under `X-Amz-Target`.
///
/// Every request is a POST to `/`, signed anew. Answers never go into errors; the pace is the transport's.
public struct AWSClient: Sendable {
  /// The runner's own key, its region and where the APIs are: the same settings in every AWS entry of staunch.yaml.
  public struct Settings: AdapterSettings {
    public let base: String?
    public let region: String
    public let accessKeyID: String
    public let secretAccessKey: String
    public let sessionToken: String?
    public let trust: ServerTrust?

    public init(from read: inout SettingsReader) throws(CapabilityError) {
      region = try read.text("region", "the AWS region, for example eu-central-1")
      accessKeyID = try read.reference("access_key_id", "the access key id of the runner's own key")
      secretAccessKey = try read.reference("secret_access_key", "the secret access key that goes with it")
      sessionToken = try read.optionalReference(
        "session_token", "the session token, where the runner's key is a temporary one")
      base = try read.optionalText(
        "base_url", "where all of AWS's APIs are, instead of the hosts of the region: a private endpoint")
      trust = try read.trust()
      try read.check(
        !region.isEmpty && region.utf8.allSatisfy { Self.isPlain($0) }, "region is no region",
        fix: "write it as AWS does, for example region: eu-central-1")
    }

    private static func isPlain(_ byte: UInt8) -> Bool {
      (0x61...0x7A).contains(byte) || (0x30...0x39).contains(byte) || byte == 0x2D
    }
  }

  /// One of AWS's APIs.
  public struct Service: Sendable, Hashable {
    /// The signing name, and the first part of the host.
    public let name: String
    /// How its calls are written.
    public let style: Style
    /// One for all regions of a partition: IAM.
    public let isGlobal: Bool

    public enum Style: Sendable, Hashable {
      /// A form with `Action` and this `Version`; the answer is XML.
      case query(version: String)
      /// JSON, with this before the call's name in `X-Amz-Target`.
      case json(target: String)
      /// Paths and methods of its own: S3.
      case rest
    }

    public init(_ name: String, _ style: Style, isGlobal: Bool = false) {
      self.name = name
      self.style = style
      self.isGlobal = isGlobal
    }

    public static let iam = Service("iam", .query(version: "2010-05-08"), isGlobal: true)
    public static let sts = Service("sts", .query(version: "2011-06-15"))
    public static let cloudTrail = Service(
      "cloudtrail", .json(target: "com.amazonaws.cloudtrail.v20131101.CloudTrail_20131101"))
    public static let secretsManager = Service("secretsmanager", .json(target: "secretsmanager"))
    public static let ssm = Service("ssm", .json(target: "AmazonSSM"))
    public static let ecs = Service("ecs", .json(target: "AmazonEC2ContainerServiceV20141113"))
    public static let s3 = Service("s3", .rest)
    public static let rds = Service("rds", .query(version: "2014-10-31"))
    public static let redshift = Service("redshift", .query(version: "2012-12-01"))
    public static let elastiCache = Service("elasticache", .query(version: "2015-02-02"))
  }

  public let settings: Settings
  public let environment: AdapterEnvironment

  public init(_ settings: Settings, in environment: AdapterEnvironment) {
    self.settings = settings
    self.environment = environment
  }

  // MARK: where

  /// The API's address and the region that its requests are signed for.
  /// Source: https://docs.aws.amazon.com/general/latest/gr/iam-service.html
  public func place(of service: Service, region: String? = nil) -> (url: String, region: String) {
    let region = region ?? settings.region
    let isChina = region.hasPrefix("cn-")
    let isGovernment = region.hasPrefix("us-gov-")
    let signed =
      !service.isGlobal
      ? region : isChina ? "cn-north-1" : isGovernment ? "us-gov-west-1" : "us-east-1"
    if let base = settings.base {
      return ((base.hasSuffix("/") ? String(base.dropLast()) : base) + "/", signed)
    }
    let domain = isChina ? "amazonaws.com.cn" : "amazonaws.com"
    let host: String
    if !service.isGlobal {
      host = "\(service.name).\(region)"
    } else {
      host = isChina ? "\(service.name).cn-north-1" : isGovernment ? "\(service.name).us-gov" : service.name
    }
    return ("https://\(host).\(domain)/", signed)
  }

  /// `aws`, `aws-cn` or `aws-us-gov`: the second part of every ARN.
  public var partition: String {
    settings.region.hasPrefix("cn-")
      ? "aws-cn" : settings.region.hasPrefix("us-gov-") ? "aws-us-gov" : "aws"
  }

  // MARK: calls

  /// A form's fields, in the order in which they are sent.
  public typealias Fields = [(name: String, value: String)]

  /// One answer of a form, whatever it says. Read only.
  public func answer(_ service: Service, _ action: String, _ fields: Fields = [])
    async throws(CapabilityError) -> AWSAnswer
  {
    AWSAnswer(try await ask(service, action, Secret(Self.form(service, action, fields))))
  }

  /// The result of a form that only reads: `<ActionResponse><ActionResult>…`.
  public func get(_ service: Service, _ action: String, _ fields: Fields = [])
    async throws(CapabilityError) -> AWSElement
  { try result(try await answer(service, action, fields), service, action) }

  /// One answer of a JSON call that only reads, whatever it says. - Parameter region: nil: that of the settings.
  public func answer(
    _ service: Service, _ action: String, _ body: JSONValue, region: String? = nil
  ) async throws(CapabilityError) -> AWSAnswer {
    AWSAnswer(
      try await ask(service, action, Secret(SecretBytes(copying: body.canonicalBytes)), region: region))
  }

  /// The result of a JSON call that only reads.
  public func get(_ service: Service, _ action: String, _ body: JSONValue, region: String? = nil)
    async throws(CapabilityError) -> JSONValue
  {
    let answer = try await answer(service, action, body, region: region)
    if let failure = failure(of: answer, service, action, changes: false) { throw failure }
    return try Self.json(answer, Self.right(service, action))
  }

  /// A change by a form. - Throws: `.unknownOutcome` also when it was done and the answer cannot be read.
  /// - Parameter keys: who asks; nil: the runner.
  @discardableResult
  public func change(
    _ service: Service, _ action: String, _ fields: Fields, as keys: AWSKeys? = nil,
    under authority: borrowing ExecutionAuthority
  ) async throws(CapabilityError) -> AWSElement {
    let answer = AWSAnswer(
      try await send(
        service, action, Secret(Self.form(service, action, fields)), as: keys, under: authority))
    if let failure = failure(of: answer, service, action, changes: true) { throw failure }
    do throws(CapabilityError) { return try result(answer, service, action) } catch {
      throw CapabilityError(
        .unknownOutcome, Self.right(service, action), because: "it was done, but the answer cannot be read")
    }
  }

  /// A change by a JSON call. - Parameter body: may hold secrets: it is kept as one until it is sent.
  @discardableResult
  public func change(
    _ service: Service, _ action: String, _ body: JSONValue, under authority: borrowing ExecutionAuthority
  ) async throws(CapabilityError) -> JSONValue {
    let answer = AWSAnswer(
      try await send(
        service, action, Secret(SecretBytes(copying: body.canonicalBytes)), under: authority))
    if let failure = failure(of: answer, service, action, changes: true) { throw failure }
    guard !answer.response.body.isEmpty else { return .null }
    do throws(CapabilityError) { return try Self.json(answer, Self.right(service, action)) } catch {
      throw CapabilityError(
        .unknownOutcome, Self.right(service, action), because: "it was done, but the answer is not JSON")
    }
  }

  /// What a refusal means; nil: there is none.
  public func failure(of answer: AWSAnswer, _ service: Service, _ action: String, changes: Bool)
    -> CapabilityError?
  { answer.failure(Self.right(service, action), changes: changes, now: environment.now()) }

  /// `GetCallerIdentity` with other keys than the runner's: it takes no right, so that its refusal is about the key alone.
  /// Source: https://docs.aws.amazon.com/STS/latest/APIReference/API_GetCallerIdentity.html
  public func identityQuestion(as keys: AWSKeys) -> SafeRequest {
    request(.sts, "GetCallerIdentity", Secret(Self.form(.sts, "GetCallerIdentity", [])), keys)
      .trusting(settings.trust)
  }

  /// A JSON call that only reads, with other keys than the runner's.
  public func question(_ service: Service, _ action: String, _ body: JSONValue, as keys: AWSKeys)
    -> SafeRequest
  {
    request(service, action, Secret(SecretBytes(copying: body.canonicalBytes)), keys)
      .trusting(settings.trust)
  }

  /// `ListObjectsV2` of one object at most, with other keys than the runner's. - Parameter prefix: of which keys; empty: of any.
  /// Source: https://docs.aws.amazon.com/AmazonS3/latest/API/API_ListObjectsV2.html
  public func bucketQuestion(_ bucket: String, prefix: String, as keys: AWSKeys) -> SafeRequest {
    let (base, region) = place(of: .s3)
    let url =
      "\(base)\(AWSSignature.escaped(bucket))?list-type=2&max-keys=1"
      + (prefix.isEmpty ? "" : "&prefix=\(AWSSignature.escaped(prefix))")
    return AWSSignature(service: "s3", region: region).get(url, keys: keys, date: environment.now())
      .trusting(settings.trust)
  }

  // MARK: parts

  /// The right that a call takes, as a policy spells it.
  public static func right(_ service: Service, _ action: String) -> String { "\(service.name):\(action)" }

  /// The runner's own key.
  public func ownKeys() async throws(CapabilityError) -> AWSKeys {
    let id = try await environment.sources.resolve(settings.accessKeyID)
    let secret = try await environment.sources.resolve(settings.secretAccessKey)
    var token: Secret?
    if let reference = settings.sessionToken { token = try await environment.sources.resolve(reference) }
    return AWSKeys(accessKeyID: id.exposeAsText(), secretAccessKey: secret, sessionToken: token)
  }

  private static func form(_ service: Service, _ action: String, _ fields: Fields) -> String {
    var all: Fields = [("Action", action)]
    if case .query(let version) = service.style { all.append(("Version", version)) }
    return (all + fields).map { "\(RESTClient.escaped($0.name))=\(RESTClient.escaped($0.value))" }
      .joined(separator: "&")
  }

  private static func json(_ answer: AWSAnswer, _ operation: String) throws(CapabilityError) -> JSONValue {
    do throws(JSONError) { return try JSONValue(parsing: answer.response.body) } catch {
      throw CapabilityError(
        .invalid, operation, because: "the answer is not JSON", fix: "check base_url and region")
    }
  }

  private func result(_ answer: AWSAnswer, _ service: Service, _ action: String) throws(CapabilityError)
    -> AWSElement
  {
    if let failure = failure(of: answer, service, action, changes: false) { throw failure }
    guard let root = AWSElement(parsing: answer.response.body), root.name == "\(action)Response" else {
      throw CapabilityError(
        .invalid, Self.right(service, action), because: "the answer is not the one of this call",
        fix: "check base_url and region")
    }
    return root["\(action)Result"] ?? root
  }

  private func ask(
    _ service: Service, _ action: String, _ body: Secret, region: String? = nil
  ) async throws(CapabilityError) -> HTTPResponse {
    let request = request(service, action, body, try await ownKeys(), region: region)
    return try await environment.http.fetch(request.trusting(settings.trust))
  }

  private func request(
    _ service: Service, _ action: String, _ body: Secret, _ keys: AWSKeys, region: String? = nil
  ) -> SafeRequest {
    let (url, headers) = signed(service, action, body, keys, region: region)
    return .post(
      url, headers: headers, body: .secret(body),
      readOnlyBecause: "the call only reads: AWS wants it as a POST"
    )
  }

  private func send(
    _ service: Service, _ action: String, _ body: Secret, as keys: AWSKeys? = nil,
    under authority: borrowing ExecutionAuthority
  ) async throws(CapabilityError) -> HTTPResponse {
    let (url, headers) = signed(service, action, body, try await signing(keys))
    var request = HTTPRequest(.post, url, headers: headers, body: .secret(body), timeout: .seconds(30))
    request.trust = settings.trust
    return try await environment.http.send(request, under: authority)
  }

  private func signing(_ keys: AWSKeys?) async throws(CapabilityError) -> AWSKeys {
    if let keys { return keys }
    return try await ownKeys()
  }

  private func signed(
    _ service: Service, _ action: String, _ body: Secret, _ keys: AWSKeys, region: String? = nil
  ) -> (url: String, headers: [(name: String, value: HTTPField)]) {
    let (url, region) = place(of: service, region: region)
    var named: [(name: String, value: String)]
    switch service.style {
    case .query: named = [("Content-Type", "application/x-www-form-urlencoded; charset=utf-8")]
    case .json(let target):
      named = [("Content-Type", "application/x-amz-json-1.1"), ("X-Amz-Target", "\(target).\(action)")]
    case .rest: preconditionFailure("\(service.name) has requests of its own")
    }
    let signature = AWSSignature(service: service.name, region: region).headers(
      "POST", url, headers: named, body: body.exposeAsBytes(), keys: keys, date: environment.now())
    return (
      url,
      named.map { ($0.name, .text($0.value)) } + signature.map { ($0.name, .secret(prefix: "", $0.value)) }
    )
  }
}
