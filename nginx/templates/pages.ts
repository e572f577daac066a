/** Pages that the gateway itself answers with. */
const page = (title: string, text: string): string => `<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>${title}</title>
<style>body{font:1rem/1.5 system-ui,sans-serif;max-width:32rem;margin:20vh auto;padding:0 1rem}h1{font-size:1.25rem}</style>
<h1>${title}</h1>
<p>${text}</p>
</html>
`;

export const UNKNOWN_HOST_PAGE = page("Nothing is served here", "This gateway answers, but it knows no site of this name.");
export const MISSING_PAGE = page("Page not found", "There is nothing at this address.");
