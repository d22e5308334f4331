"""The customer's page: where is my parcel. Public, without login."""
