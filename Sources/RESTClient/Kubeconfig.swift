import Capabilities
import Foundation
import Playbooks
import Secrets

/// A kubeconfig file that staunch.yaml names: how the runner logs in, and nothing else. It is read anew at each call.
///
/// The threat: whoever may write it would choose the cluster that new secrets are written to, and programs that run here. So it is
/// not found by itself (`KUBECONFIG` and `~/.kube/config` are not looked at), where the cluster is stands in staunch.yaml and so in
/// what was approved (`server`; another context that somebody switches to meanwhile is refused), a file that others may write is
/// refused, and so is every user that runs a program (`exec`, `auth-provider`), every cluster without verified certificates or
/// behind an address of the file's own choosing, and acting as somebody else. Its `namespace` is not taken.
/// Source: https://kubernetes.io/docs/reference/config-api/kubeconfig.v1/
struct Kubeconfig: Sendable {
  /// Absolute.
  let path: String
  /// Nil: its `current-context`.
  let context: String?
  /// Of staunch.yaml.
  let server: String

  /// Who the runner is there.
  struct Login: Sendable {
    let token: Secret?
    let trust: ServerTrust
  }

  func read(in files: any FileSystem) async throws(CapabilityError) -> Login {
    if let stranger = await files.stranger(whoMayReplace: path) {
      throw refused(
        .unsafe, "\(stranger): whoever does would choose the cluster",
        "chmod go-w \(path), then: staunch doctor")
    }
    let source = try await text(path, files)
    let root: YAMLNode
    do throws(PlaybookError) { root = try YAMLReader.read(source, file: path) } catch {
      // Its diagnostics quote the file.
      throw refused(
        .configuration, "it cannot be read as YAML", "see: kubectl config view --kubeconfig \(path)")
    }
    let name = try named(root)
    let chosen = try entry("contexts", "context", name, of: root)
    let cluster = try entry(
      "clusters", "cluster", try member("cluster", of: chosen, "context \(name)"), of: root)
    let user = try entry("users", "user", try member("user", of: chosen, "context \(name)"), of: root)
    try check(cluster, context: name)
    return try await login(user, cluster, context: name, files)
  }

  // MARK: parts

  private func refused(_ kind: CapabilityError.Class, _ because: String, _ fix: String) -> CapabilityError {
    CapabilityError(kind, "log in by \(path)", because: because, fix: fix)
  }

  private func named(_ root: YAMLNode) throws(CapabilityError) -> String {
    if let context { return context }
    guard let name = root["current-context"]?.string, !name.isEmpty else {
      throw refused(
        .configuration, "it has no current-context", "write context: NAME; see: kubectl config get-contexts")
    }
    return name
  }

  private func member(_ key: String, of node: YAMLNode, _ what: String) throws(CapabilityError) -> String {
    guard let text = node[key]?.string else {
      throw refused(
        .configuration, "\(what) names no \(key)", "see: kubectl config view --kubeconfig \(path)")
    }
    return text
  }

  /// `clusters: [{name: NAME, cluster: {…}}]`
  private func entry(_ list: String, _ kind: String, _ name: String, of root: YAMLNode)
    throws(CapabilityError)
    -> YAMLNode
  {
    let found = (root[list]?.elements ?? []).filter { $0["name"]?.string == name }
    guard let entry = found.first?[kind], found.count == 1 else {
      throw refused(
        .configuration, "it has \(found.isEmpty ? "no" : "more than one or an empty") \(kind) \(name)",
        "see: kubectl config view --kubeconfig \(path)")
    }
    return entry
  }

  private func check(_ cluster: YAMLNode, context: String) throws(CapabilityError) {
    let told = cluster["server"]?.string ?? ""
    guard (told.hasSuffix("/") ? String(told.dropLast()) : told) == server else {
      throw refused(
        .unsafe, "its context \(context) leads to another server than staunch.yaml names",
        "name the context of \(server): context: NAME; or correct server, and plan again")
    }
    if case .boolean(true)? = cluster["insecure-skip-tls-verify"]?.content {
      throw refused(
        .unsafe, "it says not to verify the server's certificate",
        "give certificate-authority-data instead of insecure-skip-tls-verify")
    }
    for key in ["proxy-url", "tls-server-name"] where cluster[key] != nil {
      throw refused(
        .unsupported, "its cluster has \(key), which is not followed",
        "reach the server by its own name; a proxy stands in HTTPS_PROXY")
    }
  }

  private func login(
    _ user: YAMLNode, _ cluster: YAMLNode, context: String, _ files: any FileSystem
  ) async throws(CapabilityError) -> Login {
    let own = "give the runner a service account and its token: token: file:PATH, without kubeconfig"
    if let exec = user["exec"] {
      let command = exec["command"]?.string ?? "a program"
      throw refused(
        .unsafe, "its user runs \(command) for each token: no program that a kubeconfig names is started", own
      )
    }
    if user["auth-provider"] != nil {
      throw refused(.unsupported, "its user has an auth-provider, which Kubernetes has given up", own)
    }
    if user["username"] != nil || user["password"] != nil {
      throw refused(.unsupported, "its user has a password, which Kubernetes has given up", own)
    }
    for key in ["as", "as-uid", "as-groups", "as-user-extra"] where user[key] != nil {
      throw refused(
        .unsafe, "its user acts as somebody else (\(key))",
        "give the runner the rights that doctor names itself")
    }
    let authority = try await text(cluster, "certificate-authority", files)
    let certificate = try await text(user, "client-certificate", files)
    let key = try await text(user, "client-key", files)
    guard (certificate == nil) == (key == nil) else {
      throw refused(.configuration, "its user has a client certificate or its key, not both", own)
    }
    var token = user["token"]?.string.map { Secret($0) }
    // As kubectl: a file is newer than what stands beside it.
    if let file = user["tokenFile"]?.string {
      token = Secret(try await text(absolute(file), files).trimmingCharacters(in: .whitespacesAndNewlines))
    }
    guard token.map({ !$0.isEmpty }) ?? (certificate != nil) else {
      throw refused(
        .configuration, "its context \(context) has neither a token nor a client certificate", own)
    }
    return Login(
      token: token,
      trust: ServerTrust(authorityPEM: authority, certificatePEM: certificate, keyPEM: key))
  }

  /// `KEY-data`, base64, before the file `KEY`.
  private func text(_ node: YAMLNode, _ key: String, _ files: any FileSystem) async throws(CapabilityError)
    -> Secret?
  {
    if let data = node["\(key)-data"]?.string, !data.isEmpty {
      guard let bytes = Data(base64Encoded: data.filter { !$0.isWhitespace }) else {
        throw refused(
          .configuration, "\(key)-data is no base64", "see: kubectl config view --raw --kubeconfig \(path)")
      }
      return Secret(SecretBytes(copying: Array(bytes)))
    }
    guard let file = node[key]?.string, !file.isEmpty else { return nil }
    return try await files.read(absolute(file))
  }

  private func text(_ path: String, _ files: any FileSystem) async throws(CapabilityError) -> String {
    try await files.read(path).exposeAsText()
  }

  /// Names of files are relative to where the kubeconfig lies.
  private func absolute(_ file: String) -> String {
    guard !file.hasPrefix("/") else { return file }
    let directory = path.split(separator: "/", omittingEmptySubsequences: false).dropLast().joined(
      separator: "/")
    return "\(directory)/\(file)"
  }
}
