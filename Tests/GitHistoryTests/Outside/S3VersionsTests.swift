import Capabilities
import Foundation
import GitObjects
import HTTP
import JSON
import Platforms
import RESTClient
import Secrets
import TestSupport
import Testing

@testable import GitHistory

/// Buckets of MiniStack, which checks signatures; it sends a version whole, whatever part of it was asked for. What it does not
/// have is written from the API reference.
@Suite struct S3VersionsTests {
  private let server: MiniStackServer
  private let bucket = MiniStackServer.name("states")

  init() async throws {
    server = try MiniStackServer.shared()
    try await server.makeBucket(bucket)
  }

  private func search(
    _ path: String = "", id: String? = nil, at endpoint: String? = nil, region: String = "us-east-1"
  ) async throws -> CopyReport {
    let source = try S3Versions(
      address: "s3://\(bucket)/\(path)",
      login: .init(
        accessKeyID: id ?? server.root.accessKeyID, secretAccessKey: server.root.secretAccessKey,
        sessionToken: nil), region: region, endpoint: endpoint ?? server.url, transport: CurlTransport(),
      now: { Date() })
    return try await CopySearch(try SecretPatterns(secrets: [Secret(leaked)])).run(
      in: [], sources: [source], progress: Silent())
  }

  /// As Terraform's S3 backend writes it.
  private func state(_ value: String) -> String {
    ([
      "version": 4, "terraform_version": "1.11.4", "lineage": "x", "serial": 1,
      "outputs": ["key": ["value": .string(value), "type": "string"]], "resources": [],
    ] as JSONValue).canonicalText
  }

  @Test func `former versions and those behind a deletion are found, by version, key and resource`()
    async throws
  {
    try await server.setVersioning(of: bucket)
    try await server.putObject(bucket, "env/prod.tfstate", state(leaked))
    try await server.putObject(bucket, "env/prod.tfstate", state("moved"))
    try await server.putObject(bucket, "env/a b+c&d.env", "KEY=\(leaked)\n")
    try await server.deleteObject(bucket, "env/a b+c&d.env")
    try await server.putObject(bucket, "other/x", leaked)
    let report = try await search("env/")
    #expect(report.notSearched.isEmpty, "\(report.notSearched)")
    #expect(report.roots == ["s3://\(bucket)/env/"] && report.files == 3)
    let found = report.places.map { $0.path.replacing(/\(version [^,]+, former\)/, with: "(V)") }
    #expect(
      found.sorted() == [
        "s3://\(bucket)/env/a b+c&d.env (V)", "s3://\(bucket)/env/prod.tfstate (V)",
      ])
    let tfstate = try #require(report.places.first { $0.resource != nil })
    #expect(tfstate.resource?.address == "output.key" && tfstate.kind == .terraformState)
    #expect(report.places.first { $0.resource == nil }?.kind == .environmentFile)
    #expect(report.places.allSatisfy { $0.fix.contains("aws s3api delete-object with --version-id") })
  }

  @Test func `a bucket without versions is searched as it is, in parts`() async throws {
    // Nine MiB: the second part has the value over its seam.
    let part = 8 << 20
    let text = String(repeating: "x", count: part - 5) + leaked + String(repeating: "y", count: 1 << 20)
    try await server.putObject(bucket, "big.log", text)
    let report = try await search()
    #expect(report.places.map(\.path) == ["s3://\(bucket)/big.log"])
    #expect(report.notSearched.isEmpty, "\(report.notSearched)")
    #expect(report.places.first?.fix.contains("version-id") == false)
  }

  @Test func `a key that is refused and a bucket that is not there leave nothing called clean`() async throws
  {
    let refused = try await search(id: "AKIAUNKNOWN")
    #expect(refused.verdict == .unknown && refused.roots == ["s3://\(bucket)/"])
    #expect(
      refused.notSearched.first?.why.contains("AWS_SECRET_ACCESS_KEY") == true, "\(refused.notSearched)")
    let world = try LoopbackServer { _ in
      .answer(
        301, headers: ["x-amz-bucket-region": "eu-central-1"],
        body: Data("<Error><Code>PermanentRedirect</Code></Error>".utf8))
    }
    let moved = try await search(at: world.url)
    #expect(
      moved.notSearched.first?.why.contains("set AWS_REGION=eu-central-1") == true, "\(moved.notSearched)")
  }

  /// From API_ListObjectVersions: keys come encoded, and pages by their markers.
  @Test func `pages are asked for by their markers, and what is archived is named`() async throws {
    let pages = [
      """
      <ListVersionsResult xmlns="http://s3.amazonaws.com/doc/2006-03-01/"><EncodingType>url</EncodingType>
      <IsTruncated>true</IsTruncated><NextKeyMarker>a%2Fb+c</NextKeyMarker><NextVersionIdMarker>v1</NextVersionIdMarker>
      <Version><Key>a%2Fb+c</Key><VersionId>v1</VersionId><IsLatest>true</IsLatest><ETag>&quot;e&quot;</ETag><Size>3</Size>
      <StorageClass>STANDARD</StorageClass></Version></ListVersionsResult>
      """,
      """
      <ListVersionsResult><EncodingType>url</EncodingType><IsTruncated>false</IsTruncated>
      <Version><Key>old</Key><VersionId>null</VersionId><IsLatest>true</IsLatest><ETag>"e"</ETag><Size>9</Size>
      <StorageClass>DEEP_ARCHIVE</StorageClass></Version></ListVersionsResult>
      """,
    ]
    let world = try LoopbackServer { request in
      if request.query["versions"] != nil {
        return .answer(200, body: Data(pages[request.query["key-marker"] == nil ? 0 : 1].utf8))
      }
      return .answer(206, headers: ["content-range": "bytes 0-2/3"], body: Data("abc".utf8))
    }
    let report = try await search(at: world.url)
    let targets = world.requests.map(\.target)
    #expect(targets[0] == "/\(bucket)?versions=&encoding-type=url&max-keys=1000")
    #expect(targets[1] == "/\(bucket)/a/b%20c?versionId=v1")
    #expect(targets[2].hasSuffix("&key-marker=a%2Fb%20c&version-id-marker=v1"))
    #expect(
      world.requests[1].headers["range"] == "bytes=0-2" && world.requests[1].headers["if-match"] == "\"e\"")
    #expect(report.files == 1 && report.places.isEmpty)
    #expect(
      report.notSearched.map(\.why) == [
        "it is archived (DEEP_ARCHIVE): aws s3api restore-object, then search again"
      ])
    #expect(world.requests.allSatisfy { $0.method == "GET" })
  }

  @Test(arguments: ["s3://", "s3://UPPER/x", "s3://a..b@c/x", "s4://bucket"])
  func `what is no bucket is refused`(_ address: String) {
    let error = #expect(throws: CapabilityError.self) {
      try S3Versions(
        address: address, login: .init(accessKeyID: "x", secretAccessKey: Secret("y"), sessionToken: nil),
        region: "us-east-1", endpoint: nil, transport: CurlTransport(), now: { Date() })
    }
    #expect(error?.class == .configuration)
  }
}
