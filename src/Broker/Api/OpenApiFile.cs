using Microsoft.AspNetCore.OpenApi;
using Microsoft.OpenApi;
using WebMessenger.Broker.Pages;
using WebMessenger.Broker.Settings;

namespace WebMessenger.Broker.Api;

/// <summary>
/// The description of the API, made once. Made for each request it would cost whoever is not signed in nothing and the server 10 ms (S23),
/// so it says nothing that depends on the request: its server is relative to the place where it was read.
/// </summary>
internal sealed class OpenApiFile
{
    private const string Document = "v1";

    private readonly Lazy<Task<WebFile>> _file;

    public OpenApiFile(IServiceProvider services, BasePath basePath) => _file = new(() => MakeAsync(services, basePath));

    public static void Map(IEndpointRouteBuilder routes)
    {
        OpenApiFile description = new(routes.ServiceProvider, routes.ServiceProvider.GetRequiredService<BrokerSettings>().BasePath);
        routes.MapGet("/api/openapi.json", description.AnswerAsync).ExcludeFromDescription();
    }

    private async Task AnswerAsync(HttpContext context) => await (await _file.Value).AnswerAsync(context);

    private static async Task<WebFile> MakeAsync(IServiceProvider services, BasePath basePath)
    {
        await using var scope = services.CreateAsyncScope();
        var document = await scope.ServiceProvider.GetRequiredKeyedService<IOpenApiDocumentProvider>(Document).GetOpenApiDocumentAsync();
        document.Servers = [new OpenApiServer { Url = basePath.Folder.Length > 1 ? basePath.Folder.TrimEnd('/') : basePath.Folder }];
        using MemoryStream json = new();
        await document.SerializeAsJsonAsync(json, OpenApiSpecVersion.OpenApi3_1);
        return WebFile.InMemory(json.ToArray(), "application/json;charset=utf-8", "no-cache");
    }
}
