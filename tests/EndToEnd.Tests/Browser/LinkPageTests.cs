using Deque.AxeCore.Playwright;
using Microsoft.Playwright;
using WebMessenger.EndToEnd.Tests.Servers;

namespace WebMessenger.EndToEnd.Tests.Browser;

/// <summary>Whoever makes a room is led to a link into it, shows that to a phone as a QR code, and takes it back.</summary>
public sealed class LinkPageTests(SharedServer shared, Chromium chromium)
{
    [Theory]
    [InlineData(1440, ColorScheme.Dark, Explicit = true)]
    [InlineData(360, ColorScheme.Light)]
    public async Task The_maker_of_a_room_shows_a_link_whose_code_a_phone_reads_and_takes_it_back(int width, ColorScheme scheme)
    {
        using var ana = await Person.RegisterAsync(shared.Server);
        await using var anas = await chromium.VisitorAsync(shared.Server, scheme: scheme);
        await anas.BeAsync(ana);
        var page = await anas.OpenAsync("/rooms");
        await page.GetByRole(AriaRole.Button, new() { Name = "New room" }).First.ClickAsync();
        await page.SetViewportSizeAsync(width, 800);
        await page.GetByLabel("Name", new() { Exact = true }).FillAsync("The cellar");
        await page.GetByLabel("Address").FillAsync($"cellar-{Guid.NewGuid():N}");
        await page.GetByRole(AriaRole.Radio, new() { NameRegex = new("Invited people only") }).CheckAsync();
        await page.GetByRole(AriaRole.Button, new() { Name = "Open the room" }).ClickAsync();

        // Three steps, of which two are taken.
        var steps = page.GetByRole(AriaRole.Dialog, new() { Name = "The cellar is open" });
        await Assertions.Expect(steps.GetByRole(AriaRole.Listitem)).ToHaveCountAsync(3);
        await steps.GetByLabel("What is it about?").FillAsync("What lies in the barrels");
        await page.Keyboard.PressAsync("Enter");
        await Assertions.Expect(steps.GetByText("Saved.")).ToBeVisibleAsync();
        await AssertWellMadeAsync(page);
        await steps.GetByRole(AriaRole.Button, new() { Name = "Invite people" }).ClickAsync();
        var panel = page.GetByRole(AriaRole.Region, new() { Name = "Look after the room", Exact = true });
        await Assertions.Expect(panel.GetByText("No link leads in just now.")).ToBeVisibleAsync();

        await panel.GetByLabel("How long it holds").SelectOptionAsync("Until a moment you choose");
        await panel.GetByLabel("Until", new() { Exact = true }).FillAsync("2020-01-01T12:00");
        await panel.GetByRole(AriaRole.Button, new() { Name = "Make a link" }).ClickAsync();
        await Assertions.Expect(panel.GetByText("Choose a moment within the next 30 days.")).ToBeVisibleAsync();
        await Assertions.Expect(panel.GetByLabel("Until", new() { Exact = true })).ToBeFocusedAsync();
        await panel.GetByLabel("How long it holds").SelectOptionAsync("A day");
        await panel.GetByRole(AriaRole.Button, new() { Name = "Make a link" }).ClickAsync();
        var made = panel.GetByRole(AriaRole.Group, new() { Name = "Your link is ready" });
        await Assertions.Expect(made.GetByRole(AriaRole.Button, new() { Name = "Copy the link" })).ToBeFocusedAsync();
        var link = await made.GetByRole(AriaRole.Code).InnerTextAsync();
        Assert.Matches("/i#[A-Za-z0-9_-]{22}$", link);
        var open = panel.GetByRole(AriaRole.List, new() { Name = "Links that let people in" });
        await Assertions.Expect(open.GetByRole(AriaRole.Listitem)).ToContainTextAsync("10 more people");
        await AssertWellMadeAsync(page);

        // A phone reads it, in the dark, too, and leads into the room.
        await made.GetByRole(AriaRole.Button, new() { Name = "QR code" }).ClickAsync();
        var code = page.GetByRole(AriaRole.Img, new() { Name = "QR code of the link into The cellar" });
        await Assertions.Expect(code).ToBeVisibleAsync();
        await AssertWellMadeAsync(page);
        await using var newcomer = await chromium.VisitorAsync(shared.Server, phone: true);
        Assert.Equal(link, await ReadAsync(newcomer, await code.ScreenshotAsync()));
        var file = await page.RunAndWaitForDownloadAsync(() => page.GetByRole(AriaRole.Button, new() { Name = "Save as PNG" }).ClickAsync());
        Assert.Equal(link, await ReadAsync(newcomer, await File.ReadAllBytesAsync((await file.PathAsync())!, TestContext.Current.CancellationToken)));
        ChatPage phone = new(await newcomer.OpenAsync(link));
        await Assertions.Expect(phone.Page.GetByText("What lies in the barrels")).ToBeVisibleAsync();
        await phone.Page.GetByLabel("Your nickname").FillAsync(Lobby.Unique("Zoe"));
        await phone.Page.GetByRole(AriaRole.Button, new() { Name = "Come in" }).ClickAsync();
        await phone.IsInRoomAsync();

        // Along the row by the arrows, and back: the link is there still, and has let one in.
        await page.Keyboard.PressAsync("Escape");
        await Assertions.Expect(code).ToHaveCountAsync(0);
        await panel.GetByRole(AriaRole.Button, new() { Name = "Invitations", Exact = true }).FocusAsync();
        await page.Keyboard.PressAsync("ArrowLeft");
        await Assertions.Expect(panel.GetByRole(AriaRole.Button, new() { Name = "Members", Exact = true })).ToBeFocusedAsync();
        await Assertions.Expect(panel.GetByRole(AriaRole.Searchbox)).ToBeVisibleAsync();
        await page.Keyboard.PressAsync("ArrowRight");
        await Assertions.Expect(open.GetByRole(AriaRole.Listitem)).ToContainTextAsync("9 more people");

        await open.GetByRole(AriaRole.Button, new() { NameRegex = new("^Take back the link of") }).ClickAsync();
        var question = page.GetByRole(AriaRole.Dialog, new() { Name = "Take this link back?" });
        await question.GetByRole(AriaRole.Button, new() { Name = "Take back", Exact = true }).ClickAsync();
        await Assertions.Expect(panel.GetByText("The link is taken back.")).ToBeVisibleAsync();
        await Assertions.Expect(made).ToHaveCountAsync(0);
        await phone.IsInRoomAsync();

        await using var late = await chromium.VisitorAsync(shared.Server, phone: true);
        var told = await late.OpenAsync(link);
        await Assertions.Expect(told.GetByRole(AriaRole.Heading, new() { Name = "This link does not work any more" })).ToBeVisibleAsync();
        anas.AssertNoComplaints();
        newcomer.AssertNoComplaints();
    }

    /// <summary>What a QR reader finds in a picture; null: none.</summary>
    private static async Task<string?> ReadAsync(Visitor visitor, byte[] png)
    {
        var page = await visitor.Context.NewPageAsync();
        await page.AddScriptTagAsync(new() { Path = Path.Combine(ClientProgram.Root, "src", "WebClient", "node_modules", "jsqr", "dist", "jsQR.js") });
        var found = await page.EvaluateAsync<string?>(
            """
            async (png) => {
                const picture = await createImageBitmap(await (await fetch(`data:image/png;base64,${png}`)).blob());
                const context = new OffscreenCanvas(picture.width, picture.height).getContext('2d');
                context.drawImage(picture, 0, 0);
                return jsQR(context.getImageData(0, 0, picture.width, picture.height).data, picture.width, picture.height)?.data ?? null;
            }
            """,
            Convert.ToBase64String(png));
        await page.CloseAsync();
        return found;
    }

    private static async Task AssertWellMadeAsync(IPage page)
    {
        var violations = (await page.RunAxe()).Violations.Where(violation => violation.Impact is "serious" or "critical");
        Assert.Empty(violations.Select(violation => $"{violation.Id}: {violation.Nodes[0].Html}"));
        Assert.True(await page.EvaluateAsync<bool>("document.documentElement.scrollWidth <= innerWidth"));
    }
}
