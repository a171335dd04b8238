-- A device is known again by its key: the same phone enrolled anew stays the same device.
CREATE INDEX device_public_key ON device (public_key);
DROP INDEX enrolment_code_key;
