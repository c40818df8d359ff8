// Takes the picture of the page of live actors, as the system admin sees it, into the file named by the first argument. The call it shows is another's.
import { launch } from './lib/browser.mjs';
import { cookiesOf, pluginURL } from './lib/host.mjs';
import { pause, until } from './lib/until.mjs';

const [, , file] = process.argv;
const browser = await launch();
try {
  const context = await browser.newContext({ viewport: { width: 1280, height: 900 }, colorScheme: 'light' });
  await context.addCookies(await cookiesOf('sysadmin'));
  const page = await context.newPage();
  await page.goto(`${pluginURL}/admin/`);
  await until('two restarts are shown', async () => (await page.getByTestId('restarts').count()) >= 2, 10_000);
  await page.getByTestId('restarts').first().locator('xpath=ancestor::tr').locator('button').first().click();
  await pause(12_000); // the curves need something to show
  await page.screenshot({ path: file });
} finally {
  await browser.close();
}
