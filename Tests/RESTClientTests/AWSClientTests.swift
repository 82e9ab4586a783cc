import Capabilities
import Foundation
import HTTP
import JSON
import RESTClient
import Secrets
import TestSupport
import Testing

/// What an answer of AWS means: on MiniStack where it gives it, else on answers written from AWS's documentation.
@Suite struct AWSClientTests {
  private func client(
    _ base: String?, region: String = "us-east-1", as keys: AWSKeys? = nil,
    now: @escaping @Sendable () -> Date = { Date() }
  ) throws -> AWSClient {
    var settings: [String: JSONValue] = [
      "region": .string(region), "access_key_id": "env:ID", "secret_access_key": "env:SECRET",
    ]
    if let base { settings["base_url"] = .string(base) }
    if keys?.sessionToken != nil { settings["session_token"] = "env:TOKEN" }
    var secrets = [
      "env:ID": Secret(keys?.accessKeyID ?? "test"),
      "env:SECRET": keys?.secretAccessKey ?? Secret("test"),
    ]
    secrets["env:TOKEN"] = keys?.sessionToken
    return AWSClient(
      try .init(
        TargetConfiguration(name: "it", kind: "aws", settings: settings, position: "staunch.yaml:1:1")),
      in: .forTests(http: CurlTransport(), secrets: secrets, now: now))
  }

  private func refusal(_ client: AWSClient, _ action: String = "GetCallerIdentity") async -> CapabilityError?
  {
    do throws(CapabilityError) {
      _ = try await client.get(.sts, action)
      return nil
    } catch { return error }
  }

  @Test func `MiniStack takes our signature, and says whose key it is`() async throws {
    let server = try MiniStackServer.shared()
    let name = MiniStackServer.name("signer")
    let keys = try await server.makeUser(name)
    let told = try await client(server.url, as: keys).get(.sts, "GetCallerIdentity")
    #expect(told["Arn"]?.text == "arn:aws:iam::000000000000:user/\(name)")
    let json = try await client(server.url).get(.secretsManager, "ListSecrets", [:] as JSONValue)
    #expect(json["SecretList"]?.array != nil)
  }

  @Test func `a temporary key's token is signed along`() async throws {
    let server = try MiniStackServer.shared()
    let keys = try await server.makeUser(MiniStackServer.name("signer"))
    let made = try await server.call("sts", "GetSessionToken", [:], as: keys)["Credentials"]
    let session = AWSKeys(
      accessKeyID: made?["AccessKeyId"]?.text ?? "",
      secretAccessKey: Secret(made?["SecretAccessKey"]?.text ?? ""),
      sessionToken: Secret(made?["SessionToken"]?.text ?? ""))
    #expect(await refusal(try client(server.url, as: session)) == nil)
  }

  @Test func `an unknown key and a wrong secret are told apart`() async throws {
    let server = try MiniStackServer.shared()
    let keys = try await server.makeUser(MiniStackServer.name("signer"))
    let stranger = AWSKeys(accessKeyID: "AKIAIOSFODNN7EXAMPLE", secretAccessKey: Secret("x"))
    let unknown = await refusal(try client(server.url, as: stranger))
    #expect(unknown?.class == .refused)
    #expect(unknown?.because.contains("does not know the runner's access key") == true)
    let wrong = await refusal(
      try client(
        server.url, as: AWSKeys(accessKeyID: keys.accessKeyID, secretAccessKey: Secret("wrong"))))
    #expect(wrong?.class == .refused)
    #expect(wrong?.because.contains("secret_access_key is not the one") == true)
  }

  @Test func `a denied call names the right that it takes`() async throws {
    let server = try MiniStackServer.shared()
    let name = MiniStackServer.name("signer")
    let client = try client(server.url, as: try await server.makeUser(name))
    let error = await #expect(throws: CapabilityError.self) {
      _ = try await client.get(.iam, "ListAccessKeys", [("UserName", name)])
    }
    #expect(error?.class == .refused)
    #expect(error?.fix == "grant iam:ListAccessKeys to the runner")
  }

  /// Written from https://docs.aws.amazon.com/STS/latest/APIReference/CommonErrors.html and, for JSON,
  /// https://docs.aws.amazon.com/secretsmanager/latest/apireference/CommonErrors.html; not seen at AWS.
  static let refusals: [(status: Int, body: String, class: CapabilityError.Class)] = [
    (400, xml("Throttling"), .rateLimit), (400, #"{"__type":"ThrottlingException"}"#, .rateLimit),
    (403, xml("AccessDenied"), .refused), (403, xml("ExpiredToken"), .refused),
    (403, xml("SignatureDoesNotMatch", "Signature expired: 20260101T000000Z is now earlier"), .configuration),
    (403, xml("SignatureDoesNotMatch", "Signature not yet current: 20260101T000000Z"), .configuration),
    (403, xml("RequestTimeTooSkewed"), .configuration), (404, xml("NoSuchEntity"), .notFound),
    (409, xml("LimitExceeded"), .conflict), (503, xml("ServiceUnavailable"), .serverError),
    (400, #"{"__type":"com.amazonaws.secretsmanager#ResourceNotFoundException"}"#, .notFound),
    (400, xml("ValidationError"), .invalid), (403, "<html>a proxy's own page</html>", .refused),
  ]

  private static func xml(_ code: String, _ message: String = "secret-message") -> String {
    """
    <ErrorResponse xmlns="https://iam.amazonaws.com/doc/2010-05-08/"><Error><Type>Sender</Type>
    <Code>\(code)</Code><Message>\(message)</Message></Error><RequestId>r-1</RequestId></ErrorResponse>
    """
  }

  @Test(arguments: refusals.indices) func `each refusal is what it is, and its text is never shown`(
    index: Int
  ) async throws {
    let it = Self.refusals[index]
    let server = try LoopbackServer { _ in
      .answer(it.status, headers: ["date": "Mon, 30 Nov 2026 12:00:00 GMT"], body: Data(it.body.utf8))
    }
    let noon = Date(timeIntervalSince1970: 1_796_040_000)
    let error = await refusal(try client(server.url, now: { noon + 600 }))
    #expect(error?.class == it.class)
    #expect(error?.description.contains("secret-message") == false)
    if it.class == .configuration {
      #expect(error?.because.contains("too far from AWS's: 600 seconds") == true, "\(error?.because ?? "")")
    }
  }

  @Test func `an answer of another call is none`() async throws {
    let server = try LoopbackServer { _ in .answer(200, body: Data("<OtherResponse/>".utf8)) }
    #expect(await refusal(try client(server.url))?.class == .invalid)
  }

  @Test(arguments: [
    ("eu-central-1", "https://iam.amazonaws.com/", "us-east-1", "https://sts.eu-central-1.amazonaws.com/"),
    (
      "cn-northwest-1", "https://iam.cn-north-1.amazonaws.com.cn/", "cn-north-1",
      "https://sts.cn-northwest-1.amazonaws.com.cn/"
    ),
    (
      "us-gov-east-1", "https://iam.us-gov.amazonaws.com/", "us-gov-west-1",
      "https://sts.us-gov-east-1.amazonaws.com/"
    ),
  ]) func `each partition has hosts of its own`(
    region: String, iam: String, signed: String, sts: String
  ) throws {
    let client = try client(nil, region: region)
    #expect(client.place(of: .iam).url == iam)
    #expect(client.place(of: .iam).region == signed)
    #expect(client.place(of: .sts).url == sts)
    #expect(client.place(of: .sts).region == region)
  }

  @Test func `XML is read as far as AWS writes it, and no further`() {
    let read = AWSElement(
      parsing: "<?xml version=\"1.0\"?>\n<a x='>'><L><member>1 &lt; &#50;</member><member/></L></a>".utf8)
    #expect(read?.members("L").map(\.text) == ["1 < 2", ""])
    for broken in ["<a>", "<a></b>", "<!DOCTYPE a><a/>", "<a>&who;</a>", "<a/><b/>", "text", ""] {
      #expect(AWSElement(parsing: broken.utf8) == nil, "\(broken)")
    }
    let deep = String(repeating: "<a>", count: 100) + String(repeating: "</a>", count: 100)
    #expect(AWSElement(parsing: deep.utf8) == nil)
  }
}
