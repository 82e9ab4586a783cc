import Foundation
import RESTClient
import Secrets
import TestSupport
import Testing

@Suite struct AWSSignatureTests {
  /// 30 August 2015, 12:36:00 UTC.
  private static let date = Date(timeIntervalSince1970: 1_440_938_160)
  private static let keys = AWSKeys(
    accessKeyID: "AKIDEXAMPLE", secretAccessKey: Secret("wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY"))

  private func authorization(
    _ method: String, _ url: String, _ headers: [(name: String, value: String)] = [], service: String
  ) -> String? {
    AWSSignature(service: service, region: "us-east-1").headers(
      method, url, headers: headers, body: [], keys: Self.keys, date: Self.date
    ).last?.value.exposeAsText()
  }

  /// AWS's documentation (Signature Version 4, the example of IAM's ListUsers) and its test suite (`post-vanilla`,
  /// `get-vanilla-query-order-key-case`).
  @Test func `AWS's published examples come out as published`() {
    #expect(
      authorization(
        "GET", "https://iam.amazonaws.com/?Action=ListUsers&Version=2010-05-08",
        [("Content-Type", "application/x-www-form-urlencoded; charset=utf-8")], service: "iam")
        == "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/us-east-1/iam/aws4_request, "
        + "SignedHeaders=content-type;host;x-amz-date, "
        + "Signature=5d672d79c15b13162d9279b0855cfba6789a8edb4c82c400e06b5924a6f2b5d7")
    #expect(
      authorization("POST", "https://example.amazonaws.com/", service: "service")?.hasSuffix(
        "Signature=5da7c1a2acd57cee7505fc6676e4e544621c30862966e37dddb68e92efbe5d6b") == true)
    #expect(
      authorization(
        "GET", "https://example.amazonaws.com/?Param2=value2&Param1=value1", service: "service")?
        .hasSuffix("Signature=b97d918cfa904a5beff61c982a1b6f458b799221646efd99d3219ec94cdf2500") == true)
  }

  /// UriEncode of the documentation: an escape too many would be another signature.
  @Test func `a text is escaped as AWS escapes it`() {
    #expect(AWSSignature.escaped("a-b._~/c+d e&ü\n") == "a-b._~%2Fc%2Bd%20e%26%C3%BC%0A")
    #expect(AWSSignature.escaped("env/a b.tfstate", besides: "/") == "env/a%20b.tfstate")
  }

  /// What curl and we are both given.
  struct Case: Sendable, CustomTestStringConvertible {
    let name: String
    let service: String
    var headers: [(name: String, value: String)] = []
    var token: String?
    let body: String
    var testDescription: String { name }
  }

  static let form = [(name: "Content-Type", value: "application/x-www-form-urlencoded; charset=utf-8")]
  static let cases = [
    Case(
      name: "a form", service: "iam", headers: form,
      body: "Action=GetUser&UserName=app&Version=2010-05-08"),
    Case(
      name: "JSON 1.1", service: "secretsmanager",
      headers: [
        ("Content-Type", "application/x-amz-json-1.1"), ("X-Amz-Target", "secretsmanager.GetSecretValue"),
      ], body: #"{"SecretId":"a/b"}"#),
    Case(
      name: "a temporary key", service: "sts", headers: form, token: "FwoGZXIvYXdzE/+=token",
      body: "Action=GetCallerIdentity&Version=2011-06-15"),
    Case(
      name: "UTF-8", service: "ssm", headers: [("Content-Type", "application/x-amz-json-1.1")],
      body: #"{"Value":"grün 漢字"}"#),
    Case(name: "no body", service: "sts", headers: form, body: ""),
  ]

  @Test(arguments: cases) func `libcurl signs a POST to the root the same way`(_ it: Case) async throws {
    let server = try LoopbackServer { _ in .answer(200) }
    let directory = try TemporaryDirectory()
    var lines = [
      "silent", "url = \"\(server.url)/\"", "aws-sigv4 = \"aws:amz:us-east-1:\(it.service)\"",
      "user = \"AKIDEXAMPLE:wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY\"",
      "header = \"X-Amz-Date: 20150830T123600Z\"", "data-binary = \"@\(directory.path("body"))\"",
    ]
    lines += it.headers.map { "header = \"\($0.name): \($0.value)\"" }
    if let token = it.token { lines.append("header = \"X-Amz-Security-Token: \(token)\"") }
    try it.body.write(toFile: directory.path("body"), atomically: false, encoding: .utf8)
    try (lines.joined(separator: "\n") + "\n").write(
      toFile: directory.path("curl"), atomically: false, encoding: .utf8)
    try await Program.run(["curl", "-K", directory.path("curl")], in: "/")
    let ours = AWSSignature(service: it.service, region: "us-east-1").headers(
      "POST", server.url + "/", headers: it.headers, body: Array(it.body.utf8),
      keys: AWSKeys(
        accessKeyID: Self.keys.accessKeyID, secretAccessKey: Self.keys.secretAccessKey,
        sessionToken: it.token.map { Secret($0) }), date: Self.date)
    #expect(server.requests.first?.headers["authorization"] == ours.last?.value.exposeAsText())
  }
}
