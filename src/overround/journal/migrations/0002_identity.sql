-- Which journal this is: the same for as long as it lives, also restored or on a standby, and of no other house's. So what
-- a client remembers of one journal is not taken for a place in another that happens to be as long.
ALTER TABLE journal.shape ADD COLUMN identity uuid NOT NULL DEFAULT gen_random_uuid();
