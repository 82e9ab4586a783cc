/// How ``CurlTransport`` reaches servers. Read from staunch.yaml and the environment by the assembly only.
public struct TransportOptions: Sendable {
  /// A proxy's URL, for example `http://proxy.example.org:3128`; nil: none. Loopback never uses it. What stands in
  /// staunch's environment as HTTPS_PROXY is the operator's choice; no other variable is read, by libcurl neither.
  public var proxy: String?
  /// Hosts that are reached without the proxy, separated by commas: names with all below them, addresses, networks
  /// (`10.0.0.0/8`), `*` for all (NO_PROXY).
  public var noProxy: String? { didSet { exceptions = ProxyExceptions(noProxy) } }
  private var exceptions: ProxyExceptions
  /// A PEM file of certificate authorities instead of the system's, for servers and proxy (SSL_CERT_FILE).
  public var certificateAuthorities: String?
  /// Hosts besides loopback for which `http:` is allowed. Lower case, without port.
  public var plainHosts: Set<String>
  /// Larger bodies end the transfer. Bytes.
  public var largestResponse: Int
  /// The `User-Agent` header.
  public var userAgent: String

  public init(
    proxy: String? = nil, noProxy: String? = nil, certificateAuthorities: String? = nil,
    plainHosts: Set<String> = [], largestResponse: Int = 16 << 20, userAgent: String = "staunch"
  ) {
    self.proxy = proxy
    self.noProxy = noProxy
    exceptions = ProxyExceptions(noProxy)
    self.certificateAuthorities = certificateAuthorities
    self.plainHosts = plainHosts
    self.largestResponse = largestResponse
    self.userAgent = userAgent
  }

  /// The proxy that `host` is reached through; nil: none.
  func proxy(for host: String) -> String? {
    guard let proxy, !proxy.isEmpty, !RequestAddress.isLoopback(host), !exceptions.contains(host) else {
      return nil
    }
    return proxy
  }
}
