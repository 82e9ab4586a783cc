// CredentialProviders
