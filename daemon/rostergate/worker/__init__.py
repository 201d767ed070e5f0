"""The worker: takes complete sets out of the inboxes and sealed deliveries down the road."""
