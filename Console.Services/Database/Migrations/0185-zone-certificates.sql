-- Certificates that zones show to TLS visitors. The key is encrypted (SecretBox, workers.zone-certificate).
CREATE TABLE zone_certificates (
    hostname TEXT NOT NULL PRIMARY KEY REFERENCES zones (hostname) ON DELETE CASCADE,
    origin TEXT NOT NULL,
    chain TEXT NOT NULL,
    private_key TEXT NOT NULL,
    changed_at BIGINT NOT NULL
);

-- What a certificate authority wants to find under /.well-known/acme-challenge/ of a zone.
CREATE TABLE zone_challenges (
    hostname TEXT NOT NULL REFERENCES zones (hostname) ON DELETE CASCADE,
    token TEXT NOT NULL,
    key_authorization TEXT NOT NULL,
    expires_at BIGINT NOT NULL,
    PRIMARY KEY (hostname, token)
);
