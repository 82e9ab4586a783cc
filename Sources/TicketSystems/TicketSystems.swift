// TicketSystems
