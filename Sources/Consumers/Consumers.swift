// Consumers
