interface TrustedTypesFactory {
  createPolicy(name: string, rules: { createScriptURL(url: string): string }): { createScriptURL(url: string): string };
}

/**
 * The address of a script that the build made, as the server's content security policy wants it: made by a policy that is named there and lets through
 * this one address. Each policy can be made once; a stricter content security policy, as of a proxy in between, throws.
 */
export function scriptUrl(policyName: string, url: string): string {
  const factory = (globalThis as { trustedTypes?: TrustedTypesFactory }).trustedTypes;
  const policy = factory?.createPolicy(policyName, {
    createScriptURL: (asked) => {
      if (asked !== url) throw new TypeError(`Not the script of ${policyName}: ${asked}`);
      return asked;
    },
  });
  return policy?.createScriptURL(url) ?? url;
}
