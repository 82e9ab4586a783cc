import Capabilities
import Secrets

extension RedisUser {
  struct Settings: AdapterSettings {
    let servers: [PostgresRole.Endpoint]
    let tls: String?
    let authorities: String?
    let certificate: String?
    let key: String?
    let tlsName: String?
    let modules: [String]
    let user: String
    let adminUser: String
    let adminPassword: String
    let sentinels: RedisSentinels?
    let expectedClients: [String]
    let persists: Bool
    let propagation: Duration

    init(from read: inout SettingsReader) throws(CapabilityError) {
      let host = try read.optionalText("host", "`127.0.0.1` when absent")
      let port = try read.integer("port", "6379 when absent")
      let socket = try read.optionalText(
        "socket", "the path of the unix socket, instead of host and port")
      let addresses = try read.texts(
        "addresses",
        "every node, replicas too, as a list of host:port, instead of host and port: ACLs are not replicated, so each is "
          + "changed and asked")
      tls = try read.optionalText(
        "tls",
        "`on` or `off`; when absent `off` on this machine, `on` elsewhere, and then `tls_ca` is needed")
      authorities = try read.optionalText(
        "tls_ca", "a PEM file of the one authority that is believed, or of the server's own certificate")
      certificate = try read.optionalText(
        "tls_certificate", "a PEM file with the runner's client certificate (tls-auth-clients)")
      key = try read.optionalText(
        "tls_key", "a PEM file with its key, without a password, when it is not in the same file")
      tlsName = try read.optionalText(
        "tls_name", "the name or address that the server's certificate must hold; its host when absent")
      modules = try read.texts("modules", "names of loaded modules that are yours; another one is refused")
      user = try read.text(
        "user", "the user whose password leaked; `default` for that of `requirepass`")
      adminUser = try read.text(
        "admin_user",
        "the runner's own user, with +acl +client +info +config|get +config|rewrite, in a cluster +cluster|nodes (and "
          + "+command|info +module|list to see renamed commands and foreign modules)")
      adminPassword = try read.reference("admin_password", "its password")
      sentinels = try RedisSentinels(from: &read)
      expectedClients = try read.texts(
        "expected_clients", "addresses or networks from which connections are expected")
      let persist = try read.word(
        "persist", of: ["auto", "none"], default: "auto",
        "`auto`: ACL SAVE or CONFIG REWRITE, whichever the server is set up for; `none`")
      persists = persist == "auto"
      propagation = try read.propagation(.zero)
      let one = PostgresRole.Endpoint(host: socket ?? host ?? "127.0.0.1", port: port ?? 6379)
      servers = addresses.isEmpty ? [one] : addresses.compactMap { PostgresRole.Endpoint($0) }
      try read.check(
        addresses.isEmpty
          || (servers.count == addresses.count && host == nil && port == nil && socket == nil),
        "an entry of addresses is no host:port, or host, port or socket stand beside them",
        fix: "name every node once: addresses: [cache-1.example.org:6379, cache-2.example.org:6379]")
      try read.check(
        socket?.hasPrefix("/") ?? !one.host.hasPrefix("/"),
        "a unix socket is given by its whole path, under socket",
        fix: "write socket: /run/redis/redis.sock")
      try read.check(
        tls.map { ["on", "off"].contains($0) } ?? true, "tls is neither on nor off", fix: "write tls: on")
      try read.check(
        tls != "on" || socket == nil, "a unix socket has no TLS",
        fix: "leave out tls, or give host and port instead of socket")
      try read.check(
        key == nil || certificate != nil, "tls_key stands without tls_certificate",
        fix: "name the certificate too")
      // A Redis server's authority is its owner's: none of the public ones has a say.
      for server in servers + (sentinels?.servers ?? []) {
        try read.check(
          authorities != nil || ThisMachine.isMeant(by: server.host) || tls == "off",
          "nothing says which authority signs the certificate of \(server.host)",
          fix: "give tls_ca: a file with your own authority, or with the server's certificate itself")
      }
    }

    /// nil: without TLS.
    func tls(with server: PostgresRole.Endpoint) -> RedisLogin.TLS? {
      guard (tls ?? (ThisMachine.isMeant(by: server.host) ? "off" : "on")) == "on" else { return nil }
      return RedisLogin.TLS(
        name: tlsName ?? server.host, authorities: authorities, certificate: certificate, key: key)
    }

    func login(_ user: String, _ password: Secret?, at server: PostgresRole.Endpoint) -> RedisLogin {
      RedisLogin(
        host: server.host, port: server.port, user: user, password: password, tls: tls(with: server))
    }
  }
}
