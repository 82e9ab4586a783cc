import Foundation
import NIOSSL
import Secrets

/// TLS 1.2 or newer; with an authority of clients, only clients with its certificate get a handshake.
enum ServerTLS {
  /// When the certificate that is shown to clients ends.
  static func end(of settings: ReceiverSettings.TLS) throws(SettingsError) -> Date {
    do {
      guard let leaf = try NIOSSLCertificate.fromPEMFile(settings.certificate).first else {
        throw SettingsError("tls.certificate", because: "\(settings.certificate) holds no PEM certificate")
      }
      return Date(timeIntervalSince1970: Double(leaf.notValidAfter))
    } catch let error as SettingsError {
      throw error
    } catch {
      throw SettingsError("tls.certificate", because: "\(settings.certificate) holds no PEM certificate")
    }
  }

  /// - Throws: ``SettingsError`` with the file that does not fit.
  static func context(_ settings: ReceiverSettings.TLS, secrets: SecretSources) throws(SettingsError)
    -> NIOSSLContext
  {
    let chain: [NIOSSLCertificateSource]
    do {
      chain = try NIOSSLCertificate.fromPEMFile(settings.certificate).map { .certificate($0) }
    } catch {
      throw SettingsError("tls.certificate", because: "\(settings.certificate) holds no PEM certificate")
    }
    let secret = try secrets.secret(settings.key, at: "tls.key")
    do {
      let key = try NIOSSLPrivateKey(bytes: secret.exposeAsBytes(), format: .pem)
      var configuration = TLSConfiguration.makeServerConfiguration(
        certificateChain: chain, privateKey: .privateKey(key))
      configuration.minimumTLSVersion = .tlsv12
      // For TLS 1.2: forward secrecy and authenticated encryption only (RFC 9325 §4.2).
      configuration.cipherSuites = [
        "ECDHE-ECDSA-AES128-GCM-SHA256", "ECDHE-RSA-AES128-GCM-SHA256", "ECDHE-ECDSA-AES256-GCM-SHA384",
        "ECDHE-RSA-AES256-GCM-SHA384", "ECDHE-ECDSA-CHACHA20-POLY1305", "ECDHE-RSA-CHACHA20-POLY1305",
      ].joined(separator: ":")
      if let authority = settings.clientCA {
        configuration.trustRoots = .file(authority)
        // The client's address says nothing about its certificate, so no host name is compared.
        configuration.certificateVerification = .noHostnameVerification
      }
      return try NIOSSLContext(configuration: configuration)
    } catch {
      throw SettingsError(
        "tls", because: "certificate, key and client_ca do not make a TLS server (\(type(of: error)))",
        fix: "openssl x509 -in CERTIFICATE -noout -text; the key must be its own, in PEM")
    }
  }
}
