/// How ``CurlTransport`` reaches servers. Read from staunch.yaml and the environment by the assembly only.
public struct TransportOptions: Sendable {
  /// A proxy's URL without a password, for example `http://proxy.example.org:3128`; nil: none. Loopback never uses it.
  public var proxy: String?
  /// Hosts that are reached without the proxy, separated by commas.
  public var noProxy: String?
  /// A PEM file of certificate authorities instead of the system's.
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
    self.certificateAuthorities = certificateAuthorities
    self.plainHosts = plainHosts
    self.largestResponse = largestResponse
    self.userAgent = userAgent
  }
}
