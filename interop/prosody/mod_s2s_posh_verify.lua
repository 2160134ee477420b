-- Proves peer domains by POSH (RFC 7711), both as who is called and as who calls, before Prosody's
-- own policy (s2s_secure_auth) looks at the certificate. For the lab: nothing is limited but time,
-- and nothing is kept, so that no scenario depends on an earlier one. Prosody's own modules have
-- the names here that 0.12 gives them; 13 knows them too.
module:set_global();

local async = require "util.async";
local decode = require "util.json".decode;
local encode_base64 = require "util.encodings".base64.encode;
local hashes = require "util.hashes";
local http = require "net.http";
local pem2der = require "util.x509".pem2der;
local timer = require "util.timer";

local deadline = module:get_option_number("s2s_posh_timeout", 10);
local hash_functions = { -- strongest first
	{ name = "sha-512", of = hashes.sha512 };
	{ name = "sha-384", of = hashes.sha384 };
	{ name = "sha-256", of = hashes.sha256 };
};

-- How long it may be kept matters to nobody here, but without it a document is not valid.
local function has_lifetime(document)
	local expires = document.expires;
	return type(expires) == "number" and expires > 0 and expires % 1 == 0;
end

-- Calls found(fingerprints, url) or failed(why); goes through one reference (section 3.2).
local function fetch(url, found, failed, referred)
	http.request(url, nil, function (body, status)
		if status == 0 then return failed("cannot fetch "..url..": "..tostring(body)); end
		if status ~= 200 then return failed(("status %d from %s"):format(status, url)); end
		local document = decode(body);
		if type(document) ~= "table" then return failed("not JSON: "..url); end
		if not has_lifetime(document) then return failed("no usable expires in "..url); end
		if document.url and document.fingerprints then
			return failed("both a reference and a list: "..url);
		elseif type(document.fingerprints) == "table" and #document.fingerprints > 0 then
			return found(document.fingerprints, url);
		elseif type(document.url) ~= "string" or not document.url:match("^https://") then
			return failed("neither fingerprints nor a reference: "..url);
		elseif referred then
			return failed("a second reference: "..url);
		end
		fetch(document.url, found, failed, true);
	end);
end

-- The fingerprints and where they are, or nil and why. Waits within the session's thread.
local function lookup(domain)
	local wait, done = async.waiter();
	local settled, fingerprints, from;
	local function settle(...)
		if settled then return; end
		settled, fingerprints, from = true, ...;
		done();
	end
	timer.add_task(deadline, function () settle(nil, "no answer in time"); end);
	fetch("https://"..domain.."/.well-known/posh/xmpp-server.json", settle,
		function (reason) settle(nil, reason); end);
	wait();
	return fingerprints, from;
end

-- Base64 with or without padding: the RFC's own second example has none.
local function same(listed, digest)
	if type(listed) ~= "string" then return false; end
	return listed:gsub("=+$", "") == encode_base64(digest):gsub("=+$", "");
end

-- The hash function by which the certificate is listed; the strongest one decides a descriptor.
local function match(fingerprints, der)
	for _, descriptor in ipairs(fingerprints) do
		for _, hash in ipairs(hash_functions) do
			local listed = type(descriptor) == "table" and descriptor[hash.name];
			if listed then
				if same(listed, hash.of(der)) then return hash.name; end
				break;
			end
		end
	end
end

module:hook("s2s-check-certificate", function (event)
	local domain, session, certificate = event.host, event.session, event.cert;
	if not domain or session.cert_identity_status == "valid" then return; end
	local log = session.log;
	if not certificate then return log("info", "POSH cannot prove %s: no certificate", domain); end
	local fingerprints, from = lookup(domain);
	if not fingerprints then return log("info", "POSH cannot prove %s: %s", domain, from); end
	local by = match(fingerprints, pem2der(certificate:pem()));
	if not by then return log("info", "POSH refuses %s: not listed in %s", domain, from); end
	if not certificate:validat(os.time()) then
		return log("info", "POSH refuses %s: listed, but not valid at this time", domain);
	end
	session.cert_chain_status, session.cert_identity_status = "valid", "valid";
	log("info", "POSH proves %s: %s in %s", domain, by, from);
end);
