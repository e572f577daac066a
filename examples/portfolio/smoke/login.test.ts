import { expect, test } from "vitest";
import { readForm } from "./login.ts";

test("the login page's form, as Keycloak writes it", () => {
  const page = `<form id="search" action="/search"><input name="q"></form>
    <form id="kc-form-login" onsubmit="login.disabled = true; return true;" method="post"
      action="https://auth.test/realms/p/login-actions/authenticate?session_code=a-b&amp;execution=1&amp;client_id=portfolio">
      <input tabindex="2" id="username" name="username" value="" type="text" />
      <input type="hidden" id="id-hidden-input" name="credentialId" value="&quot;x&quot;"/>
    </form>`;
  expect(readForm(page)).toEqual({
    action: "https://auth.test/realms/p/login-actions/authenticate?session_code=a-b&execution=1&client_id=portfolio",
    fields: { credentialId: '"x"' },
  });
  expect(readForm("<p>no form</p>")).toBeUndefined();
});
