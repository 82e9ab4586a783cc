// SecretStores
