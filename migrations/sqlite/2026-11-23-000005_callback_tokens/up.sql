-- SHA-256 of the token that the run's callback has to carry; gone as soon as that is taken.
ALTER TABLE nodes ADD COLUMN token_digest TEXT;
