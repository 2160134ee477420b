-- Proves peer domains by POSH (RFC 7711), both as who is called and as who calls, before Prosody's
-- own policy (s2s_secure_auth) looks at the certificate. For the lab: nothing is limited but time.
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
local published = {}; -- source domain -> { url, fingerprints, ends }

local function lifetime(document)
	local expires = document.expires;
	if type(expires) == "number" and expires > 0 and expires % 1 == 0 then return expires; end
end

-- Calls found(document, url, seconds) or failed(why); goes through one reference (section 3.2).
local function fetch(url, found, failed, referrer_lifetime)
	http.request(url, nil, function (body, status)
		if status == 0 then return failed("cannot fetch "..url..": "..tostring(body)); end
		if status ~= 200 then return failed(("status %d from %s"):format(status, url)); end
		local document = decode(body);
		if type(document) ~= "table" then return failed("not JSON: "..url); end
		local seconds = lifetime(document);
		if not seconds then return failed("no usable expires in "..url); end
		seconds = math.min(seconds, referrer_lifetime or seconds);
		if document.url and document.fingerprints then
			return failed("both a reference and a list: "..url);
		elseif type(document.fingerprints) == "table" and #document.fingerprints > 0 then
			return found(document.fingerprints, url, seconds);
		elseif type(document.url) ~= "string" or not document.url:match("^https://") then
			return failed("neither fingerprints nor a reference: "..url);
		elseif referrer_lifetime then
			return failed("a second reference: "..url);
		end
		fetch(document.url, found, failed, seconds);
	end);
end

-- What the domain publishes, or nil and why that is not known. Waits within the session's thread.
local function lookup(domain)
	local known = published[domain];
	if known and os.time() < known.ends then return known; end
	local wait, done = async.waiter();
	local answer, why, settled;
	local function settle(material, reason)
		if settled then return; end
		answer, why, settled = material, reason, true;
		done();
	end
	timer.add_task(deadline, function () settle(nil, "no answer in time"); end);
	fetch("https://"..domain.."/.well-known/posh/xmpp-server.json",
		function (fingerprints, url, seconds)
			settle({ fingerprints = fingerprints; url = url; ends = os.time() + seconds });
		end,
		function (reason) settle(nil, reason); end);
	wait();
	published[domain] = answer;
	return answer, why;
end

-- Base64 with or without padding: the RFC's own second example has none.
local function same(listed, digest)
	return type(listed) == "string" and listed:gsub("=+$", "") == encode_base64(digest):gsub("=+$", "");
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
	local material, why = lookup(domain);
	if not material then return log("info", "POSH cannot prove %s: %s", domain, why); end
	local by = match(material.fingerprints, pem2der(certificate:pem()));
	if not by then return log("info", "POSH refuses %s: not listed in %s", domain, material.url); end
	if not certificate:validat(os.time()) then
		return log("info", "POSH refuses %s: listed, but not valid at this time", domain);
	end
	session.cert_chain_status, session.cert_identity_status = "valid", "valid";
	log("info", "POSH proves %s: %s in %s", domain, by, material.url);
end);
